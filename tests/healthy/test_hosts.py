"""No machine that is well is found ill: no failure, no warning, and nothing left open but a kernel log that nobody may read."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Machine
from gpudoctor.rules.registry import causes
from gpudoctor.workflows.check import exit_code
from tests.healthy.hosts import HOSTS, Well
from tests.judged import judgement


def assert_well(machine: Machine, well: Well) -> None:
    result = judgement(machine)
    roots = [f for f in result.findings if f.caused_by is None and f.id != "no-nvidia-gpu"]
    said = [
        f"{f.severity} {f.id}: {f.title}" for f in roots if f.severity != "note" or f.id not in well.notes
    ]
    assert said == []
    assert [f"{s.id}: {s.reason}" for s in result.skipped if not (well.minor and s.minor)] == []
    assert exit_code(machine, result, causes(), strict=False) == 0


@pytest.mark.parametrize("name", HOSTS)
def test_a_machine_that_is_well(name: str) -> None:
    assert_well(HOSTS[name].machine(), HOSTS[name])


def test_what_may_be_said_of_a_machine_is_said() -> None:
    """A note that no machine draws any more leaves the list."""
    for well in HOSTS.values():
        assert set(well.notes) <= {f.id for f in judgement(well.machine()).findings}
