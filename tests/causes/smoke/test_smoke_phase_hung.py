"""smoke-phase-hung: a phase without an end."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_the_phase_is_named() -> None:
    machine = smoke.machine(smoke.hung("context"))
    assert causes(machine) == {"smoke-phase-hung"}
    assert "context" in finding(machine, "smoke-phase-hung").title


def test_a_slow_phase_that_ended_is_none() -> None:
    slow = smoke.passed()
    slow = slow.replace(phases=tuple(p.replace(seconds=59.0) for p in slow.phases))
    assert causes(smoke.machine(slow)) == set()
