"""smoke-child-unkillable: a process that outlives SIGKILL."""

from __future__ import annotations

from tests.judged import causes, finding, folded
from tests.machines.parts import smoke


def stuck() -> smoke.Trial:
    return smoke.hung("context").replace(
        verdict="unkillable", output="State: D (disk sleep)\nwchan: os_acquire_mutex"
    )


def test_it_says_where_it_sleeps() -> None:
    machine = smoke.machine(stuck())
    assert causes(machine) == {"smoke-child-unkillable"}
    assert any("os_acquire_mutex" in e.value for e in finding(machine, "smoke-child-unkillable").evidence)


def test_the_hang_is_its_consequence() -> None:
    assert folded(smoke.machine(stuck())) == {"smoke-phase-hung": "smoke-child-unkillable"}


def test_a_hang_that_could_be_ended_is_no_such() -> None:
    assert causes(smoke.machine(smoke.hung("context"))) == {"smoke-phase-hung"}
