"""The engine: deadlines, broken rules and probes, exit codes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from gpudoctor import engine
from gpudoctor.engine import Asking
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Judgement, Problem, Skip
from gpudoctor.rules.registry import Cause, causes
from gpudoctor.system.live import Live
from gpudoctor.workflows.check import choose, exit_code
from tests.machines import healthy

PAGE = "A title\n\nWhat it is: x\n\nWhy it hurts: because\n\nHow to tell: x\n\nHow to fix: x\n\nSources: somewhere\n"


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give it a check function; it stands in the file of a cause named made-up."""

    def make(check: Any) -> Cause:
        module = ModuleType("gpudoctor.rules.driver.made_up", PAGE)
        module.check = check  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Cause("made-up", "driver")

    return make


def test_what_a_rule_finds_carries_its_page(rule: Any) -> None:
    def check(host: Host) -> Iterator[Problem]:
        yield Problem("It is ill")

    judged = engine.judge(Machine(), [rule(check)])
    (found,) = judged.findings
    assert (found.id, found.explanation, found.sources) == ("made-up", "because", ("somewhere",))
    assert judged.passed == ()


def test_a_rule_that_breaks_is_reported_and_hides_nothing(rule: Any) -> None:
    def check(host: Host) -> Iterator[Problem]:
        yield Problem("It is ill")
        raise ZeroDivisionError("oops")

    judged = engine.judge(Machine(), [rule(check)])
    assert [f.id for f in judged.findings] == ["made-up"]
    assert (
        judged.crashed[0].id == "made-up"
        and "ZeroDivisionError: oops (test_engine.py:" in judged.crashed[0].error
    )


def test_a_rule_that_could_not_look_has_not_passed(rule: Any) -> None:
    def check(host: Host) -> Iterator[Problem]:
        raise CannotLook("no permission", "root")
        yield

    judged = engine.judge(Machine(), [rule(check)])
    assert judged.passed == () and judged.skipped == (Skip("made-up", "no permission", "root"),)


def test_one_part_found_and_another_not_seen(rule: Any) -> None:
    def check(host: Host) -> Iterator[Problem | CouldNotTell]:
        yield CouldNotTell("GPU 1 is lost")
        yield Problem("GPU 0 is ill")

    judged = engine.judge(Machine(), [rule(check)])
    assert len(judged.findings) == len(judged.skipped) == 1 and judged.passed == ()


def test_not_applicable_is_neither_passed_nor_skipped(rule: Any) -> None:
    def check(host: Host) -> Iterator[Problem]:
        raise DoesNotApply("no docker")
        yield

    judged = engine.judge(Machine(), [rule(check)])
    assert judged.not_applicable[0].reason == "no docker" and not judged.passed and not judged.skipped


class Probes:
    """Stands in the place of a probe module."""

    def __init__(self, **fields: Any) -> None:
        self.FIELDS = fields


def test_a_probe_that_hangs_costs_its_own_field_only(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    probes = Probes(pci=lambda port: Known((), "bus"), nvml=lambda port: never.wait(60))
    monkeypatch.setitem(sys.modules, "gpudoctor.probes.gpu", probes)  # type: ignore[arg-type]
    started = time.monotonic()
    machine = engine.Asking(Live(timeout=1.0), ["gpu"]).machine()
    assert time.monotonic() - started < 3
    assert machine.gpu.pci == Known((), "bus") and machine.gpu.nvml == engine.LATE
    never.set()


def test_many_that_hang_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    hanging = {name: lambda port: never.wait(60) for name in ("nvml", "cuda", "smi")}
    probes = Probes(pci=lambda port: Known((), "bus"), **hanging)
    host = Probes(
        **{name: lambda port: never.wait(60) for name in ("kernel", "libc")}, uid=lambda port: Known(7, "x")
    )
    monkeypatch.setitem(sys.modules, "gpudoctor.probes.gpu", probes)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "gpudoctor.probes.host", host)  # type: ignore[arg-type]
    machine = engine.Asking(Live(timeout=1.5), ["gpu", "host"]).machine()
    assert machine.host.uid == Known(7, "x") and machine.gpu.pci == Known((), "bus")
    assert machine.gpu.smi == machine.host.libc == engine.LATE
    never.set()


def test_a_probe_that_breaks_is_an_unknown_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(port: object) -> None:
        raise RuntimeError("never thought of")

    monkeypatch.setitem(sys.modules, "gpudoctor.probes.gpu", Probes(pci=broken))  # type: ignore[arg-type]
    pci = engine.Asking(Live(timeout=5), ["gpu"]).machine().gpu.pci
    assert isinstance(pci, Unknown) and "never thought of" in pci.reason


FAILURE = engine.Finding("x", "failure", "t", engine.Problem("t").subject, (), "", None, None, ())
WARNING = FAILURE.replace(severity="warning")
ALL = causes()


@pytest.mark.parametrize(
    ("judgement", "strict", "code"),
    [
        (Judgement(findings=(FAILURE,), crashed=(), skipped=(Skip("a", "r"),)), False, 1),
        (Judgement(findings=(WARNING,), passed=("driver-library-mismatch",)), False, 0),
        (Judgement(findings=(WARNING,)), True, 1),
        (Judgement(skipped=(Skip("a", "r"),), passed=("driver-library-mismatch",)), False, 2),
        (Judgement(passed=("driver-library-mismatch",)), False, 0),
    ],
)
def test_exit_codes(judgement: Judgement, strict: bool, code: int) -> None:
    assert exit_code(healthy.rtx3050_laptop(), judgement, ALL, strict) == code


def test_a_gpu_that_no_rule_judged_is_not_well() -> None:
    selected = choose(["driver"], [])
    assert exit_code(healthy.rtx3050_laptop(), Judgement(), selected, False) == 2
    assert exit_code(healthy.no_gpu_server(), Judgement(), selected, False) == 0
    unreadable = healthy.no_gpu_server().replace(
        gpu=Gpu(pci=Unknown("no /sys"), nvml=Absent("x"), cuda=Absent("x"))
    )
    assert exit_code(unreadable, Judgement(), selected, False) == 2


def test_a_name_that_does_not_exist_is_an_error_with_the_nearest() -> None:
    with pytest.raises(GpudoctorError) as caught:
        choose(["driver-libary-mismatch"], [])
    assert "driver-library-mismatch" in caught.value.hint
    with pytest.raises(GpudoctorError):
        choose([], ["nonsense-xyz"])


def test_select_and_ignore_take_causes_and_families() -> None:
    assert {c.family for c in choose(["driver"], [])} == {"driver"}
    assert [c.id for c in choose(["driver-library-mismatch"], [])] == ["driver-library-mismatch"]
    assert "driver" not in {c.family for c in choose([], ["driver"])}


@pytest.mark.parametrize("machine", healthy.ALL)
def test_nothing_healthy_is_flagged_and_nothing_goes_unseen(machine: Any) -> None:
    judged = engine.judge(machine())
    expected = {"no-nvidia-gpu"} if machine is healthy.no_gpu_server else set()
    assert {f.id for f in judged.findings} <= expected
    assert judged.crashed == () and judged.skipped == ()


def groups_of(monkeypatch: pytest.MonkeyPatch, host: dict[str, Any]) -> list[str]:
    """Two groups of two fields each; gives the list that says what was asked."""
    asked: list[str] = []

    def ask(name: str) -> Any:
        return lambda port: asked.append(name) or Known(name, "test")  # type: ignore[func-returns-value]

    fields = {"host": host, "libraries": {"copies": ask("copies"), "search": ask("search")}}
    for group, made in fields.items():
        module = ModuleType(group)
        module.FIELDS = made  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"gpudoctor.probes.{group}", module)
    return asked


@pytest.mark.parametrize("wanted", [True, False])
def test_the_last_group_is_asked_if_it_is_wanted(monkeypatch: pytest.MonkeyPatch, wanted: bool) -> None:
    asked = groups_of(monkeypatch, {"kernel": lambda port: Known("6.8", "test")})
    seen: list[Machine] = []

    def is_wanted(machine: Machine) -> bool:
        seen.append(machine)
        return wanted

    machine = Asking(Live(timeout=10), ("libraries", "host"), "libraries", is_wanted).machine()
    assert value_of(seen[0].host.kernel, "") == "6.8" and len(seen) == 1
    assert sorted(asked) == (["copies", "search"] if wanted else [])
    assert isinstance(machine.libraries.copies, Known) is wanted


def test_it_is_asked_while_another_answer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    asked = groups_of(monkeypatch, {"kernel": lambda port: over.wait(30) and Known("6.8", "test")})
    port = Live(timeout=1.0)
    machine = Asking(port, ("host", "libraries"), "libraries", lambda machine: False).machine()
    over.set()
    assert sorted(asked) == ["copies", "search"] and isinstance(machine.host.kernel, Unknown)
