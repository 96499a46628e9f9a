"""driver-open-module-required: Blackwell with the proprietary module (NVIDIA/open-gpu-kernel-modules#872)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

#: As the driver writes it on such a machine (public logs of an RTX 5090 with 580.105.08).
LINES = (
    host.event(
        "needs-open-module",
        "NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:2b85) installed in this system requires use of the NVIDIA "
        "open kernel modules.",
        "0000:01:00",
    ),
    host.event(
        "rm-init-failed", "NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:884)", "0000:01:00"
    ),
)


def proprietary_on_blackwell() -> Machine:
    desktop = healthy.rtx5090_desktop()
    return desktop.replace(
        host=host.ubuntu(kernel_log=host.log(*LINES)),
        driver=driver.installed("575.57.08", "proprietary"),
        gpu=gpu.no_devices(desktop.gpu),
    )


def test_the_flavour_is_named_and_the_failed_start_is_its_consequence() -> None:
    machine = proprietary_on_blackwell()
    assert causes(machine) == {"driver-open-module-required"}
    assert folded(machine).get("gpu-init-failed") == "driver-open-module-required"
    fix = finding(machine, "driver-open-module-required").fix
    assert fix is not None and fix.commands[0] == "sudo apt-get install nvidia-driver-575-open"


def test_it_is_known_without_the_log_too() -> None:
    machine = proprietary_on_blackwell()
    silent = machine.replace(host=host.ubuntu())
    assert "driver-open-module-required" in causes(silent)


def test_the_open_module_on_blackwell_is_right() -> None:
    assert causes(healthy.rtx5090_desktop()) == set()


def test_only_the_gpu_that_needs_it_is_named_on_a_mixed_machine() -> None:
    machine = proprietary_on_blackwell()
    ampere = gpu.pci(1, 0x2204)
    two = machine.gpu.replace(pci=Known((*machine.gpu.pci.value, ampere), "/sys/bus/pci/devices"))
    found = finding(machine.replace(gpu=two), "driver-open-module-required")
    assert found.subject.kind == "device" and "0000:01:00.0" in found.subject.name


def test_a_gpu_that_answers_needs_no_table() -> None:
    """In a container the flavour is hidden; a GPU that NVML lists is driven by the right one all the same."""
    desktop = healthy.rtx5090_desktop()
    module = desktop.driver.module.value.replace(flavour=Unknown("/proc/driver/nvidia is not there"))
    hidden = desktop.replace(
        driver=desktop.driver.replace(module=Known(module, "/sys/module/nvidia/version"))
    )
    assert judgement(hidden).skipped == ()
