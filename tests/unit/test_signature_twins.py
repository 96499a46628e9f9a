"""Each cause's signatures against a text that betrays it and against one that looks like it and is something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpudoctor.rules.registry import causes
from gpudoctor.workflows.diagnose import diagnose_text

TWINS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "signature-twins.jsonl").read_text("utf-8").splitlines()
]


def named(text: str) -> list[str]:
    """By wordings and facts: a look-alike resembles the cause by design."""
    return [d.id for d in diagnose_text(text).diagnoses if d.basis != "resemblance"]


def test_every_cause_with_signatures_has_a_text_and_a_look_alike() -> None:
    with_signatures = {c.id for c in causes() if getattr(c.load(), "signatures", ())}
    assert with_signatures == {twin["cause"] for twin in TWINS}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin["cause"])
def test_the_text_betrays_the_cause_and_the_look_alike_does_not(twin: dict[str, str]) -> None:
    assert twin["cause"] in named(twin["fires"])[:3]
    assert twin["cause"] not in named(twin["twin"])
