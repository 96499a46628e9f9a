"""Long logs: what GNU grep throws out first is what nothing needs, and where there is no grep the answer is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpudoctor.logs.grep import Grep
from gpudoctor.logs.matching import _Searched
from gpudoctor.logs.sieve import Sieve
from gpudoctor.workflows.diagnose import diagnose_text

RUNS = ["out of memory", "failed to initialize nvml", "mig", "libcudnn.so.8: cannot open"]
#: 160 KB, no line like another.
NOISE = [
    f"{word}ing the {word * 2} of {word[::-1]}"
    for n in range(3000)
    for word in [bin(n)[2:].translate({48: "a", 49: "b"})]
]
TOLD = {
    700: "RuntimeError: CUDA  out of\tmemory.",
    1200: "Failed to initialize NVML: Driver/library version mismatch",
    1900: "a MIG device",
    2500: "libcudnn.so.8: cannot open shared object file",
}


def log() -> list[bytes]:
    return [TOLD.get(n, line).encode() for n, line in enumerate(NOISE)]


def other_grep(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "grep"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_grep_tells_the_lines_that_hold_a_string_and_no_other() -> None:
    grep = Grep()
    assert grep.works
    assert grep.lines_with(
        [b"out of", b"-n 3", b"[x"], b"a\nran out of it\n-n 3\nxx\n[x]\n\xff\x00 out of\n"
    ) == [1, 2, 4, 5]
    assert grep.lines_with([], b"a\nb\n") == []
    assert grep.lines_with([b"c"], b"a\nb\n") == []


def test_more_strings_than_one_argument_may_be_long() -> None:
    strings = [b"%06d" % n * 10 for n in range(8000)]
    assert Grep().lines_with(strings, b"x\n" + strings[0] + b"\n" + strings[-1] + b"\n") == [1, 2]


def test_of_a_long_log_the_lines_of_known_runs_are_picked() -> None:
    sieve = Sieve(lambda: RUNS)
    assert [*sieve.pick(log())] == sorted(TOLD)
    assert sieve._grep is not None and sieve._grep.works


@pytest.mark.parametrize(
    "script",
    [
        "echo BusyBox grep",
        "echo grep BSD",
        '[ "$1" = --version ] && echo GNU grep && exit; exit 2',
        '[ "$1" = --version ] && echo GNU grep && exit; kill -9 $$',
        "",
    ],
    ids=["busybox", "bsd", "fails", "killed", "silent"],
)
def test_without_a_gnu_grep_the_same_lines_are_picked(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_grep(tmp_path, script, monkeypatch)
    sieve = Sieve(lambda: RUNS)
    assert [*sieve.pick(log())] == sorted(TOLD)
    assert sieve._grep is not None and not sieve._grep.works


def test_without_any_grep_the_same_lines_are_picked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [*Sieve(lambda: RUNS).pick(log())] == sorted(TOLD)


def test_a_run_that_was_picked_often_enough_is_looked_for_no_more() -> None:
    sieve = Sieve(lambda: RUNS)
    many = [f"{line}: out of memory".encode() for line in NOISE]
    assert 0 < len(sieve.pick(many)) < 100
    assert sieve.pick([line[::-1] for line in many] + many) == {}


def test_a_users_options_for_grep_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREP_OPTIONS", "--color=always")
    monkeypatch.setenv("GREP_COLORS", "mt=01;31")
    assert [*Sieve(lambda: RUNS).pick(log())] == sorted(TOLD)


def test_a_pattern_whose_words_are_in_every_line_is_still_found_at_the_end() -> None:
    text = "error 12\n" * 100_000 + "error 123x\n"
    searched = _Searched(text, " ".join(text.split()))
    assert [found[0] for found in searched.matches(r"error \d{3}x")] == ["error 123x"]


@pytest.mark.parametrize("before", [0, 1, 9_000, 40_000])
def test_a_cause_is_found_wherever_it_stands_in_a_long_text(before: int) -> None:
    memory = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    busy = [f"step {n}: no error, no failure, memory {n} of {n}" for n in range(40_000)]
    found = diagnose_text("\n".join([*busy[:before], memory, *busy[before:]])).diagnoses
    assert found[0].id == "out-of-memory" and found[0].evidence[0].line == before + 1


def test_nothing_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grep = Grep()
    monkeypatch.setattr("gpudoctor.logs.grep._DEADLINE", 2.0)
    other_grep(tmp_path, f"echo $$ > {tmp_path}/pid; exec /bin/sleep 600", monkeypatch)
    assert grep.lines_with([b"x"], b"x\n") is None and not grep.works
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
