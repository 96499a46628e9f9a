"""gpu-missing-in-nvml: on the bus, held by the driver, and not listed."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import gpu


def seven_of_eight(bound: str = "nvidia") -> Machine:
    node = healthy.h100_node()
    pci = list(node.gpu.pci.value)
    pci[7] = pci[7].replace(driver=Known(bound, "/sys/bus/pci"))
    rest = gpu.h100(7)
    return node.replace(gpu=rest.replace(pci=Known(tuple(pci), "/sys/bus/pci/devices")))


def test_the_eighth_is_missed() -> None:
    machine = seven_of_eight()
    assert causes(machine) == {"gpu-missing-in-nvml"}
    found = finding(machine, "gpu-missing-in-nvml")
    assert found.severity == "failure" and gpu.address(7) in found.title


def test_one_that_was_given_to_a_virtual_machine_is_not_missed() -> None:
    assert "gpu-missing-in-nvml" not in causes(seven_of_eight("vfio-pci"))


def test_a_container_may_have_been_given_some_only() -> None:
    machine = seven_of_eight()
    inside = Known(Inside("docker", "/.dockerenv"), "/.dockerenv")
    machine = machine.replace(containers=machine.containers.replace(inside=inside))
    assert "gpu-missing-in-nvml" not in causes(machine)
