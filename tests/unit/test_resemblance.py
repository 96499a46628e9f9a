"""What a text resembles by its words, where no wording is known: the weakest witness, and what it must never do."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import pytest

from gpudoctor.logs import resemblance
from gpudoctor.logs.ranking import Candidate, second_opinion
from gpudoctor.logs.resemblance import SCALE, Likeness, nearest
from gpudoctor.logs.verdicts import IDS as VERDICTS
from gpudoctor.rules.registry import causes
from gpudoctor.workflows import diagnose
from gpudoctor.workflows.diagnose import diagnose_text

ROOT = Path(__file__).resolve().parents[2]
#: Somebody's words for a module that is not there.
STRANGER = "Since the reboot there is no nvidia module for the kernel that I booted, and it is not loaded. What went wrong?"


def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader(
        "publish_vocabulary", str(ROOT / "scripts" / "publish-vocabulary")
    )
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def cosine(one: dict[str, int], other: dict[str, int]) -> float:
    size = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return sum(one[w] * other[w] for w in one.keys() & other.keys()) / size if size else 0.0


def test_the_vocabulary_knows_every_cause_and_is_current() -> None:
    publish = script()
    written = json.loads((Path(resemblance.__file__).parent / "vocabulary.json").read_text("utf-8"))
    wanted = publish.vocabulary(list(publish.texts()))
    assert {c.id for c in causes()} | {*VERDICTS} == set(wanted)
    old = [name for name in wanted if cosine(written.get(name, {}), wanted[name]) < 0.98]
    assert len(old) <= 0.1 * len(wanted), f"run scripts/publish-vocabulary: {old[:5]}"


def test_cases_that_were_held_out_teach_nothing() -> None:
    held = {
        case["input"]
        for file in ("own.jsonl", "pastes.jsonl")
        for line in (ROOT / "tests" / "cases" / file).read_text("utf-8").splitlines()
        if (case := json.loads(line))["part"].endswith("held-out")
    }
    assert held
    assert held.isdisjoint(text for _, text in script().texts())


def test_by_its_words_alone_the_right_cause_is_among_three_for_most_texts_that_taught_nothing() -> None:
    cases = [
        case
        for file in ("own.jsonl", "pastes.jsonl")
        for line in (ROOT / "tests" / "cases" / file).read_text("utf-8").splitlines()
        if (case := json.loads(line))["part"].endswith("held-out")
        and len(case["input"].splitlines()) <= resemblance.LONG
    ]
    right = sum(case["root_cause"] in {n.id for n in nearest(case["input"].splitlines())} for case in cases)
    assert len(cases) > 40
    assert right >= 0.6 * len(cases)


def test_a_stranger_s_words_are_answered_with_what_they_resemble_and_no_surer_than_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnose, "match", lambda *_: [])  # as if no signature knew these words
    found = diagnose_text(STRANGER).diagnoses
    assert "kernel-module-not-loaded" in {d.id for d in found}
    assert found[0].basis == "resemblance"
    assert 0.4 <= found[0].confidence <= 0.65
    assert found[0].evidence[0].line == 1
    assert found[0].fix is not None and found[0].fix.summary


@pytest.mark.parametrize(
    "text",
    [
        # nobody complains
        "Since the reboot there is an nvidia module for the kernel that I booted, and it is loaded.",
        # not ours
        "modprobe: FATAL: Module zfs not found in directory /lib/modules/6.8.0-40-generic",
        "fatal error: mylib.h: No such file or directory",
        # what is known to be harmless resembles nothing
        "Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN\nsome tool: fatal: the frobnicator failed",
    ],
)
def test_where_nobody_complains_about_gpus_nothing_is_resembled(text: str) -> None:
    assert [d.id for d in diagnose_text(text).diagnoses if d.basis == "resemblance"] == []


def test_facts_that_acquit_a_cause_are_believed_more_than_words() -> None:
    accusing = "after the pip install torch has no CUDA, only a CPU wheel came and torch finds no GPU"
    assert "cpu-only-wheel" in {d.id for d in diagnose_text(accusing).diagnoses}
    acquitted = accusing + "\nPackage Version\n------- -------\ntorch 2.5.1+cu124\n"
    assert "cpu-only-wheel" not in {d.id for d in diagnose_text(acquitted).diagnoses}


def test_of_a_long_text_only_complaints_and_their_neighbours_count() -> None:
    noise = [f"step {n} loss 0.{n} docker toolkit runtime" for n in range(40)]
    lines = [*noise, STRANGER, *noise]
    found = nearest(lines)[0].indices
    assert found and {*found} <= {39, 40, 41}
    assert {n.id for n in nearest(lines)} == {n.id for n in nearest([noise[-1], STRANGER, noise[0]])}


def like(name: str, score: float) -> Likeness:
    return Likeness(name, score, ())


def named(ranked: list[Candidate], near: list[Likeness], **explains: str) -> list[str]:
    table = {name.replace("_", "-"): frozenset({what}) for name, what in explains.items()}
    return [c.id for c in second_opinion(ranked, near, table)]


def test_a_second_opinion_stands_after_what_is_known_and_only_where_it_differs() -> None:
    sure, likely = Candidate("a", 0.95, (), 0), Candidate("a", 0.8, (), 0)
    assert named([sure], [like("a", 0.5), like("b", 0.45)]) == ["a"]
    assert named([likely], [like("a", 0.5), like("b", 0.45), like("c", 0.2)]) == ["a", "b"]
    assert named([sure], [like("b", 0.5), like("a", 0.4), like("c", 0.3)]) == ["a", "b", "c"]
    assert named([sure], [like("b", 0.5)], a="b") == ["a"], "a symptom of what is known"
    weak = Candidate("a", 0.35, (), 0)
    assert named([weak], [like("b", 0.9)]) == ["a", "b"]
    follows = Candidate("z", 0.9, (), 0, below="a")
    assert named([sure, follows], [like("b", 0.5)]) == ["a", "b", "z"]


def test_a_verdict_that_is_only_resembled_is_the_whole_answer_or_none() -> None:
    assert named([], [like("harmless", 0.5), like("b", 0.4)]) == ["harmless"]
    assert named([], [like("b", 0.5), like("harmless", 0.4), like("c", 0.3)]) == ["b", "c"]
    assert named([Candidate("a", 0.8, (), 0)], [like("harmless", 0.5)]) == ["a"]


def test_the_score_is_a_cosine() -> None:
    vocabulary = {"a": {"module": SCALE}, "b": {"wheel": SCALE}}
    alone = nearest(["nvidia module failed"], vocabulary=vocabulary)
    assert [(n.id, n.score) for n in alone] == [("a", 1.0)], "words that nobody knows weigh nothing"
    both = nearest(["nvidia module failed, wheel module"], vocabulary=vocabulary)
    assert [n.id for n in both] == ["a", "b"]
    assert sum(n.score**2 for n in both) == pytest.approx(1.0, abs=0.01)
