"""driver-branch-dropped-gpu: Pascal after the upgrade to 595 (NixOS/nixos-hardware#1880)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

GTX_1050 = 0x1C81
SAID = (
    "NVRM: The NVIDIA NVIDIA GeForce GTX 1050 GPU installed in this system is supported through the NVIDIA 580.xx "
    "Legacy drivers. Please visit http://www.nvidia.com/object/unix.html for more information. The 595.71.05 NVIDIA "
    "driver will ignore this GPU. Continuing probe..."
)


def upgraded_to(version: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    bus = Known((gpu.pci(0, GTX_1050, driver=laptop.gpu.pci.value[0].driver),), "/sys/bus/pci/devices")
    lines = (host.event("unsupported-gpu", SAID),) if version.startswith("59") else ()
    return laptop.replace(
        host=host.ubuntu(kernel_log=host.log(*lines)),
        driver=driver.not_loaded(version),
        gpu=gpu.not_loaded(laptop.gpu).replace(pci=bus),
    )


def test_the_branch_and_the_last_one_that_supports_it_are_named() -> None:
    machine = upgraded_to("595.71.05")
    assert causes(machine) == {"driver-branch-dropped-gpu"}
    found = finding(machine, "driver-branch-dropped-gpu")
    assert "595.71.05" in found.title and "580" in found.title
    assert found.fix is not None and "sudo apt-mark hold nvidia-driver-580" in found.fix.commands


def test_the_last_branch_itself_still_supports_it() -> None:
    assert causes(upgraded_to("580.95.05")) == {"kernel-module-not-loaded"}


def test_a_newer_gpu_is_not_dropped() -> None:
    desktop = healthy.rtx5090_desktop().replace(driver=driver.installed("595.71.05", "open"))
    assert "driver-branch-dropped-gpu" not in causes(desktop)
