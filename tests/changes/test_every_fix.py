"""Every fix against every ill machine that the causes' own tests describe: a plan of the rule's grade, or a reason."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.changes.plan import Plan
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Judgement
from gpudoctor.fixes import python_packages, registry
from gpudoctor.fixes.see import Login, Manual, See
from gpudoctor.rules.registry import find
from tests import judged
from tests.changes.mending import Sysroot

pytestmark = pytest.mark.slow


def _machines(cause: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Those that the tests of this cause judge, caught as they are judged."""
    caught: list[Machine] = []

    def catching(machine: Machine) -> Judgement:
        caught.append(machine)
        return judge(machine)

    family = find(cause)
    assert family is not None
    module = importlib.import_module(f"tests.causes.{family.family}.test_{cause.replace('-', '_')}")
    with monkeypatch.context() as patch:
        patch.setattr(judged, "judge", catching)
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_"):
                continue
            marks = [m for m in getattr(test, "pytestmark", ()) if m.name == "parametrize"]
            if not inspect.signature(test).parameters:
                test()
            elif len(marks) == 1:
                _call_each(test, marks[0])
    yield from caught


def _call_each(test: object, mark: pytest.Mark) -> None:
    names = (
        mark.args[0]
        if isinstance(mark.args[0], (list, tuple))
        else [n.strip() for n in mark.args[0].split(",")]
    )
    if set(names) != set(inspect.signature(test).parameters):  # type: ignore[arg-type]
        return  # it wants a fixture
    for values in mark.args[1]:
        values = values.values if hasattr(values, "values") and hasattr(values, "marks") else values
        test(**dict(zip(names, values if len(names) > 1 else [values], strict=True)))  # type: ignore[operator]


@pytest.fixture
def see(tmp_path: Path) -> See:
    """A machine that has every program, and an interpreter with pip."""
    sysroot = Sysroot(
        tmp_path,
        {
            "/proc/version": "",
            "/dev/null": "",
            "/run/systemd/x": "",
            "/etc/group": "video:x:44:\n",
            "/usr/bin/uv": "",
        },
    )
    env = {"HOME": "/home/ann", "PATH": "/usr/bin"}
    return See(sysroot.port(), Login("ann", 1000, "/home/ann", "/bin/bash"), env)


@pytest.mark.parametrize("cause", sorted(registry.modules()))
def test_each_ill_machine_gets_a_plan_or_a_reason(
    cause: str, see: See, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GPUDOCTOR_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(python_packages, "_has_pip", lambda python, see: True)
    module = registry.modules()[cause]
    plans: list[Plan] = []
    reasons: list[str] = []
    for machine in _machines(cause, monkeypatch):
        for finding in judge(machine).findings:
            if finding.id != cause or finding.fix is None or finding.fix.applicability == "manual":
                continue
            try:
                plan: Plan = module.plan(finding, machine, see)
            except Manual as error:
                reasons.append(error.reason)
                continue
            assert plan.id == cause and plan.title and cause in plan.recheck
            assert plan.files or plan.actions
            assert "LD_LIBRARY_PATH" not in b"".join(c.after or b"" for c in plan.files).decode()
            plans.append(plan)
    assert all(reason and not reason.endswith(".") for reason in reasons)
    if module is python_packages:  # the others have their machines in the tests beside this one
        assert plans, reasons
        assert all(plan.applicability == "unsafe" and plan.actions[-1].argv[1:3] for plan in plans)
