"""gpu-asleep: a laptop's second GPU in runtime suspend. Composed: state words of the kernel's sysfs-devices-power."""

from __future__ import annotations

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts.gpu import pci

ASLEEP = Unknown("GPU is asleep", "wake")


def sleeping(**changes: object) -> Machine:
    laptop = healthy.rtx3050_laptop()
    suspended = pci(0, 0x25A2, runtime_status=Known("suspended", "/sys/bus/pci"))
    gpu: Gpu = laptop.gpu.replace(
        pci=Known((suspended,), "/sys/bus/pci"), nvml=ASLEEP, cuda=ASLEEP, smi=ASLEEP
    )
    return laptop.replace(gpu=gpu.replace(**changes))


def test_a_sleeping_gpu_is_a_note_and_no_illness() -> None:
    assert causes(sleeping()) == {"gpu-asleep"}
    found = finding(sleeping(), "gpu-asleep")
    assert found.severity == "note" and found.subject.name == "0000:01:00.0"
    assert found.fix is not None and "--wake" in found.fix.commands[0]


def test_the_same_gpu_woken_by_wake_is_well() -> None:
    laptop = healthy.rtx3050_laptop()
    woken = sleeping(nvml=laptop.gpu.nvml, cuda=laptop.gpu.cuda, smi=laptop.gpu.smi)
    assert causes(woken) == set()


def test_suspended_without_a_driver_library_is_not_what_keeps_us_from_asking() -> None:
    assert "gpu-asleep" not in causes(sleeping(nvml=Absent("loader")))


def test_a_driver_that_was_not_asked_for_another_reason_is_not_blamed_on_sleep() -> None:
    assert "gpu-asleep" not in causes(sleeping(nvml=Unknown("nothing is executed under --root")))


def test_only_the_gpu_that_sleeps_is_named() -> None:
    two = (pci(0, 0x25A2, runtime_status=Known("suspended", "/sys")), pci(1, 0x25A2))
    assert finding(sleeping(pci=Known(two, "/sys")), "gpu-asleep").subject.name == "0000:01:00.0"
