"""A hang and a segfault in each phase of each program: the report names the phase, and nothing of the child is left.

The programs are the real ones, started and watched as ever; the frameworks are names only (faults/sitecustomize.py, Light), for the fault
strikes before a phase uses them. The same in real frameworks: test_real_frameworks.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpudoctor.facts.smoke import Trial
from tests.smoke import real

pytestmark = pytest.mark.slow

#: How long the phase may take that the fault is in (seconds).
LIMITS = {"hang": 0.4, "segfault": 60.0}
STATES = {"hang": "hung", "segfault": "crashed"}


def died(trial: Trial, fault: str, phase: str) -> None:
    assert {p.name: p.state for p in trial.phases} == {"import": "passed", phase: STATES[fault]}, trial
    assert trial.verdict == "fail" and phase in trial.why
    assert real.named(trial) == {f"smoke-phase-{STATES[fault]}"}
    if fault == "segfault":
        assert "Segmentation fault" in trial.output


@pytest.mark.parametrize("fault", ["segfault", "hang"])
@pytest.mark.parametrize(
    ("framework", "phase"), [(f, p) for f in ("torch", "tensorflow", "jax") for p in real.all_phases(f)]
)
def test_in_each_phase(framework: str, fault: str, phase: str, tmp_path: Path) -> None:
    env = {**real.with_fault(f"{fault}:{phase}"), "SMOKE_LIGHT": "1"}
    trial = real.run(framework, [phase], env, tmp_path, LIMITS[fault], python=sys.executable)
    died(trial, fault, phase)
