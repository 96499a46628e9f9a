"""`diagnose` on the project's own cases: program lines as programs print them, in made-up surroundings.

Of the author's own a third is set aside (`part`: held-out): signatures are not tuned on it. `pastes` are what people
paste and say about it, composed from memory of such texts; a third of them is held out too. `wordings` hold one text for each
wording of a program that a signature was written for: they guard it, and measure nothing. The rounds are from public
threads (`source`), each measured before a signature was changed for it (docs/diagnose.md). scripts/eval-diagnose prints the same
figures with the confusions.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from gpudoctor.logs import verdicts
from gpudoctor.rules.registry import causes
from gpudoctor.workflows.diagnose import diagnose_text

CASES = [
    json.loads(line)
    for file in sorted((Path(__file__).parents[1] / "cases").glob("*.jsonl"))
    for line in file.read_text("utf-8").splitlines()
]
IDS = {c.id for c in causes()} | set(verdicts.IDS)
WANTED = {case["root_cause"] for case in CASES}


@cache
def named(text: str) -> list[str]:
    return [d.id for d in diagnose_text(text).diagnoses]


def test_cases_name_causes_that_exist_and_are_many() -> None:
    assert WANTED <= IDS
    assert len(CASES) >= 150
    assert len({case["id"] for case in CASES}) == len(CASES)
    own = [case for case in CASES if case["part"] in ("tuned", "held-out")]
    assert len(own) >= 150
    assert 0.25 <= sum(case["part"] == "held-out" for case in own) / len(own) <= 0.45


@pytest.mark.parametrize(
    "part",
    ["tuned", "held-out", "pastes", "wordings", "round-1", "round-2", "round-3", "round-4"],
)
def test_the_right_cause_stands_first(part: str) -> None:
    mine = [(case["id"], case["root_cause"], named(case["input"])) for case in CASES if case["part"] == part]
    wrong = [(name, right, got[:3]) for name, right, got in mine if got[:1] != [right]]
    missed = [name for name, right, got in mine if right not in got[:3]]
    assert len(wrong) <= 0.10 * len(mine), wrong
    assert len(missed) <= 0.03 * len(mine), missed


def test_pastes_that_nothing_was_tuned_on_are_answered_as_measured() -> None:
    mine = [(case["root_cause"], named(case["input"])) for case in CASES if case["part"] == "pastes-held-out"]
    assert sum(got[:1] == [right] for right, got in mine) >= 0.87 * len(mine)
    assert sum(right in got[:3] for right, got in mine) >= 0.91 * len(mine)


def test_no_cause_is_named_where_nothing_is_wrong_with_the_environment() -> None:
    alarms = [
        (case["id"], got)
        for case in CASES
        if case["root_cause"] in verdicts.IDS and case["part"] != "pastes-held-out"
        for got in [named(case["input"])]
        if got and got[0] not in verdicts.IDS
    ]
    assert alarms == []


@pytest.mark.parametrize("cause", sorted(WANTED))
def test_a_cause_is_among_the_answers_to_a_case_of_its_own(cause: str) -> None:
    assert any(cause in named(case["input"])[:3] for case in CASES if case["root_cause"] == cause)
