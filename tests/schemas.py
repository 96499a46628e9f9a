"""Every report that a test reads is held against the schema that is published for it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

DOCS = Path(__file__).parents[1] / "docs" / "schema"


@functools.cache
def _validator(name: str) -> Any:
    schema = json.loads((DOCS / f"{name}.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def report(text: str) -> dict[str, Any]:
    """The JSON of any command. Fails where it is not as its published schema says."""
    found: dict[str, Any] = json.loads(text)
    name = found["schema"].removeprefix("gpudoctor-").replace("/", "-")
    _validator(name).validate(found)
    return found
