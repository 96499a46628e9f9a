"""cdi-spec-shadowed: the refresh service's file wins over /etc/cdi."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import containers


def test_another_file_wins_and_differs() -> None:
    mine = containers.spec(devices=("nvidia.com/gpu=all", "nvidia.com/gpu=left", "nvidia.com/gpu=right"))
    machine = containers.with_specs(mine, containers.spec("/var/run/cdi/nvidia.yaml"))
    assert causes(machine) == {"cdi-spec-shadowed"}
    found = finding(machine, "cdi-spec-shadowed")
    assert found.severity == "note" and found.subject.name == "/etc/cdi/nvidia.yaml"


def test_two_that_say_the_same_are_well() -> None:
    machine = containers.with_specs(containers.spec(), containers.spec("/var/run/cdi/nvidia.yaml"))
    assert causes(machine) == set()
