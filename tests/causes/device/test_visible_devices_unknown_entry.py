"""visible-devices-unknown-entry: the list ends before its end."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def masked(value: str, shown: int) -> Machine:
    return ill.with_cuda(ill.with_variable(healthy.h100_node(), "CUDA_VISIBLE_DEVICES", value), shown)


def test_what_follows_a_wrong_entry_is_lost() -> None:
    machine = masked("0,1,9,2", 2)
    assert causes(machine) == {"visible-devices-unknown-entry"}
    found = finding(machine, "visible-devices-unknown-entry")
    assert found.severity == "warning" and "'9'" in found.title and "2 of 4" in found.title
    assert found.fix is not None and found.fix.commands[0] == "export CUDA_VISIBLE_DEVICES=0,1"


def test_entries_that_are_there_are_right() -> None:
    assert causes(masked("0,1,7,2", 4)) == set()


def test_ending_the_list_with_minus_one_is_on_purpose() -> None:
    assert causes(masked("0,2,-1,1", 2)) == set()
