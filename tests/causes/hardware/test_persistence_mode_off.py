"""persistence-mode-off: on data centre GPUs."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def without_daemon(machine: Machine) -> Machine:
    daemon = Absent("/usr/bin/nvidia-persistenced")
    return machine.replace(driver=machine.driver.replace(persistence_daemon=daemon))


def test_a_server_that_forgets_its_gpus() -> None:
    machine = ill.with_device(without_daemon(healthy.h100_node()), 2, persistence=False)
    assert causes(machine) == {"persistence-mode-off"}
    assert finding(machine, "persistence-mode-off").severity == "note"


def test_a_laptop_should_sleep() -> None:
    assert causes(ill.with_device(without_daemon(healthy.rtx3050_laptop()), 0, persistence=False)) == set()


def test_the_daemon_keeps_them_open() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 2, persistence=False)) == set()
