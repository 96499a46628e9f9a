"""gpu-bound-to-vfio: a virtualisation host."""

from __future__ import annotations

from gpudoctor.facts.gpu import PciDevice
from gpudoctor.facts.machine import Expectation, Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def passthrough() -> Machine:
    laptop = healthy.rtx3050_laptop()
    bare = gpu.not_loaded(
        laptop.gpu, "vfio-pci", nvml=Absent("loader"), cuda=Absent("loader"), smi=Absent("PATH")
    )
    return laptop.replace(driver=driver.missing(), gpu=bare)


def test_a_host_that_gives_its_gpu_away_is_noted_and_not_told_to_install_a_driver() -> None:
    assert causes(passthrough()) == {"gpu-bound-to-vfio"}
    assert finding(passthrough(), "gpu-bound-to-vfio").severity == "note"


def test_it_is_a_failure_where_a_gpu_is_wanted() -> None:
    machine = passthrough().replace(expectation=Expectation("--require-gpu"))
    assert finding(machine, "gpu-bound-to-vfio").severity == "failure"


def test_a_gpu_of_the_nvidia_driver_is_well() -> None:
    bus: tuple[PciDevice, ...] = healthy.rtx3050_laptop().gpu.pci.value
    assert bus[0].driver == Known("nvidia", "/sys/bus/pci")
    assert causes(healthy.rtx3050_laptop()) == set()
