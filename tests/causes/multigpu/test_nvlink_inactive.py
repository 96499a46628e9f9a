"""nvlink-inactive: compared with its sisters."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def linked(*active: int) -> Machine:
    machine = healthy.h100_node()
    for index in range(8):
        up = active[index] if index < len(active) else 18
        machine = ill.with_device(machine, index, nvlinks=tuple(n < up for n in range(18)))
    return machine


def test_links_that_the_others_have() -> None:
    machine = linked(18, 16)
    assert causes(machine) == {"nvlink-inactive"}
    found = finding(machine, "nvlink-inactive")
    assert (
        found.severity == "warning"
        and "GPU 1" in found.title
        and "16 active NVLinks, others of its kind 18" in found.title
    )
    assert any(e.value == "16, 17" for e in found.evidence)


def test_all_are_up() -> None:
    assert causes(linked()) == set()


def test_cards_without_bridges_are_made_so() -> None:
    assert causes(linked(*[0] * 8)) == set()
