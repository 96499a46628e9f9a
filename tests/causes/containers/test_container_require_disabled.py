"""container-require-disabled: NVIDIA_DISABLE_REQUIRE, and its misspelling."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers


def test_turning_the_check_off_is_worth_a_note() -> None:
    machine = containers.gpu_container(disable_require=Known("true", containers.ENVIRON))
    assert causes(machine) == {"container-require-disabled"}
    assert finding(machine, "container-require-disabled").severity == "note"


def test_false_does_not_turn_it_off() -> None:
    assert causes(containers.gpu_container(disable_require=Known("false", containers.ENVIRON))) == set()
