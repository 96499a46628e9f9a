"""The table of questions, each with its public source: yes, no and not known, over everything that `compat` judges."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.rules.registry import find
from gpudoctor.workflows.compat import ask

FILE = Path(__file__).parents[1] / "data" / "compat-questions.jsonl"
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text().splitlines()]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_question(question: dict[str, Any]) -> None:
    expected = question["expect"]
    answer = ask(question["given"])
    ids = [because.id for because in answer.because]
    assert answer.compatible is expected["compatible"], (question["given"], answer.because)
    if "because" in expected:
        assert expected["because"] in ids, answer.because
    if "recommend" in expected:
        assert answer.recommend == expected["recommend"]
    if answer.compatible is False:
        assert answer.because and answer.needs, "a no says why, and what would be needed"
    if answer.compatible is None:
        assert answer.because, "what is not known is named"


def test_the_table_covers_all_answers_and_every_row_has_a_source() -> None:
    answers = Counter(q["expect"]["compatible"] for q in QUESTIONS)
    assert len(QUESTIONS) >= 300 and min(answers.values()) >= 30 and set(answers) == {True, False, None}
    assert all(len(q["source"]) > 20 for q in QUESTIONS)
    assert len({json.dumps(q["given"], sort_keys=True) for q in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_every_reason_is_a_cause(question: dict[str, Any]) -> None:
    for because in ask(question["given"]).because:
        assert because.id == "question" or find(because.id) is not None
        assert "999" not in because.explanation and "10de:000" not in because.explanation
        assert "/venv" not in because.explanation and "cuda-runtime" not in because.explanation


@pytest.mark.parametrize(
    "question", [q for q in QUESTIONS if q["expect"]["compatible"] is False], ids=lambda q: q["id"]
)
def test_what_a_no_says_is_what_check_would_say(question: dict[str, Any]) -> None:
    """One judgement in the whole program: the machine of the question, judged by that rule alone, has that finding."""
    from gpudoctor.advice.answer import settled
    from gpudoctor.advice.hypothesis import machines
    from gpudoctor.advice.question.reading import read
    from gpudoctor.engine import judge

    asked = settled(read(question["given"]))
    for because in ask(question["given"]).because:
        cause = find(because.id)
        assert cause is not None
        assert any(f.id == cause.id for m in machines(asked) for f in judge(m, [cause]).findings)
