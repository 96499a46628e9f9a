"""The published schemas are those of the types; make them again with `scripts/publish-schema`."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gpudoctor.codec import schema
from gpudoctor.facts import driver, frameworks
from gpudoctor.facts.record import Record
from gpudoctor.workflows.snapshot import take
from tests.machines import healthy
from tests.machines.parts import frameworks as parts

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "schema"


def _script() -> Any:
    loader = importlib.machinery.SourceFileLoader("publish_schema", str(ROOT / "scripts" / "publish-schema"))
    spec = importlib.util.spec_from_loader("publish_schema", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


script = _script()


@pytest.mark.parametrize("name", sorted(script.SCHEMAS))
def test_the_published_schema_is_current_and_names_its_own_version(name: str) -> None:
    assert (DOCS / name).read_text() == script.render(name), "run scripts/publish-schema"
    module = script.SCHEMAS[name].partition(":")[0]
    defined = [v for k, v in vars(importlib.import_module(module)).items() if k.endswith("SCHEMA")]
    command, _, version = name.removesuffix(".json").rpartition("-")
    assert f"gpudoctor-{command}/{version}" in defined


def test_every_published_schema_is_of_a_command_that_is_there() -> None:
    assert {path.name for path in DOCS.iterdir()} == set(script.SCHEMAS)


class Both(Record):
    of_a_driver: driver.Package
    of_python: frameworks.Package


def test_two_records_of_one_name_are_told_apart() -> None:
    made = schema(Both, "urn:x", "x")
    refs = [made["$defs"]["Both"]["properties"][field]["$ref"] for field in ("of_a_driver", "of_python")]
    assert refs == ["#/$defs/Package", "#/$defs/FrameworksPackage"]
    wanted = [set(made["$defs"][ref.rpartition("/")[2]]["required"]) for ref in refs]
    assert "state" in wanted[0] and "installer" in wanted[1]


def test_a_snapshot_of_a_machine_with_packages_is_as_published() -> None:
    published = json.loads((DOCS / "snapshot-1.json").read_text())
    packages = parts.with_torch(parts.torch(), parts.package("numpy", "2.1.0"))
    data = take(healthy.rtx3050_laptop().replace(frameworks=packages), redact=False)
    assert data["machine"]["frameworks"]["interpreters"]["value"][0]["packages"]["value"]
    jsonschema.validate(json.loads(json.dumps(data)), published)
