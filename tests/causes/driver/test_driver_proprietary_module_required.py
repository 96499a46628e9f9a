"""driver-proprietary-module-required: Pascal with the open module (NVIDIA/open-gpu-kernel-modules#696)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

GTX_1070_TI = 0x1B82


def pascal(flavour: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    bus = Known((gpu.pci(0, GTX_1070_TI),), "/sys/bus/pci/devices")
    said = host.event(
        "no-gsp-in-gpu",
        "NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1b82) installed in this system is not supported by open "
        "nvidia.ko because it does not include the required GPU System Processor (GSP).",
        "0000:01:00",
    )
    return laptop.replace(
        host=host.ubuntu(kernel_log=host.log(*(said,) if flavour == "open" else ())),
        driver=driver.installed("560.35.03", flavour),
        gpu=gpu.no_devices(laptop.gpu).replace(pci=bus),
    )


def test_the_open_module_on_pascal_is_named() -> None:
    machine = pascal("open")
    assert "driver-proprietary-module-required" in causes(machine)
    fix = finding(machine, "driver-proprietary-module-required").fix
    assert fix is not None and fix.commands[0] == "sudo apt-get install nvidia-driver-560"


def test_the_proprietary_module_on_pascal_is_right() -> None:
    assert "driver-proprietary-module-required" not in causes(pascal("proprietary"))
