"""gpu-fell-off-bus: one GPU of several, the only one, and one that came back."""

from __future__ import annotations

import pytest

from gpudoctor.facts.gpu import Nvml
from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import gpu, ill

FALLEN = "pid=71039, name=Media, GPU has fallen off the bus."


def one_of_eight() -> Machine:
    """The third GPU of a server is gone. The log's words: NVIDIA/open-gpu-kernel-modules issue 1010."""
    machine = ill.lost(healthy.h100_node(), 2)
    machine = ill.with_cuda(machine, 8, 7)
    return ill.with_log(machine, ill.xid(79, FALLEN, gpu=2))


def test_one_lost_gpu_is_named_and_the_others_are_judged() -> None:
    machine = one_of_eight()
    found = finding(machine, "gpu-fell-off-bus")
    assert found.severity == "failure" and found.subject.kind == "device"
    assert any("fallen off" in evidence.value for evidence in found.evidence)
    assert "gpu-fell-off-bus" in causes(machine)
    skipped = judgement(machine).skipped
    assert any(s.id == "ecc-uncorrectable" and "GPU is lost" in s.reason for s in skipped)


def test_the_log_and_nvml_speak_of_the_same_device() -> None:
    """NVML no longer tells the address; by elimination the log's line is of the silent device."""
    machine = one_of_eight()
    silent = machine.gpu.nvml.value.devices[2]
    assert isinstance(silent.pci, Unknown)
    assert finding(machine, "gpu-fell-off-bus").subject.name == "2"


def test_without_the_log_nvml_is_witness_enough() -> None:
    machine = ill.lost(healthy.h100_node(), 2)
    log = Unknown("/dev/kmsg: permission denied", "root")
    machine = machine.replace(host=machine.host.replace(kernel_log=log))
    assert finding(machine, "gpu-fell-off-bus").severity == "failure"


def test_what_follows_the_loss_folds_under_it() -> None:
    action = "GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)"
    machine = one_of_eight()
    lines = (*machine.host.kernel_log.value, ill.xid(154, action, gpu=2))
    machine = ill.with_log(machine, *lines)
    assert folded(machine)["xid-154-recovery-action"] == "gpu-fell-off-bus"


def test_the_loss_of_one_gpu_explains_nothing_of_another() -> None:
    machine = one_of_eight()
    lines = (*machine.host.kernel_log.value, ill.xid(119, "Timeout waiting for RPC from GSP", gpu=5))
    machine = ill.with_log(machine, *lines)
    assert "xid-119-gsp-timeout" in causes(machine)


def test_a_gpu_that_left_the_bus_altogether_is_still_judged() -> None:
    """No NVIDIA device on the bus any more, NVML finds no driver: the log alone remembers."""
    machine = healthy.rtx3050_laptop()
    gone = gpu.none().replace(nvml=Known(Nvml("failed", 9, "Driver Not Loaded"), "nvml"))
    machine = ill.with_log(machine.replace(gpu=gone), ill.xid(79, FALLEN))
    found = finding(machine, "gpu-fell-off-bus")
    assert found.severity == "failure" and "0000:01:00.0" in found.title


def test_lines_without_an_xid_count_too() -> None:
    """The words of NVIDIA/NVSentinel issue 155."""
    text = "NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:26b5) installed in this system has fallen off the bus"
    machine = healthy.rtx3050_laptop()
    failed = Known(Nvml("failed", 9, "Driver Not Loaded"), "nvml")
    machine = machine.replace(gpu=machine.gpu.replace(nvml=failed))
    machine = ill.with_log(machine, KernelEvent("fallen-off-bus", text, None, "0000:01:00", 1.0))
    assert finding(machine, "gpu-fell-off-bus").severity == "failure"


def test_one_that_answers_again_is_a_warning() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(79, FALLEN, gpu=2))
    assert finding(machine, "gpu-fell-off-bus").severity == "warning"
    assert causes(machine) == {"gpu-fell-off-bus"}


def test_a_driver_that_is_not_loaded_is_no_lost_gpu() -> None:
    machine = healthy.rtx3050_laptop()
    failed = Known(Nvml("failed", 9, "Driver Not Loaded"), "nvml")
    machine = machine.replace(gpu=machine.gpu.replace(nvml=failed, cuda=Absent("libcuda.so.1")))
    assert "gpu-fell-off-bus" not in causes(machine)


@pytest.mark.parametrize("code", [13, 31, 43, 63])
def test_other_xids_are_other_causes(code: int) -> None:
    assert "gpu-fell-off-bus" not in causes(ill.with_log(healthy.h100_node(), ill.xid(code, "words", gpu=2)))


def test_a_silent_driver_and_an_unreadable_log_tell_nothing() -> None:
    machine = healthy.rtx3050_laptop()
    machine = machine.replace(
        host=machine.host.replace(kernel_log=Unknown("permission denied", "root")),
        gpu=machine.gpu.replace(nvml=Known(Nvml("hung", None, ""), "nvml")),
    )
    result = judgement(machine)
    assert any(s.id == "gpu-fell-off-bus" and s.would_help == "root" for s in result.skipped)
    assert "gpu-fell-off-bus" not in result.passed


def test_the_loss_of_the_only_gpu_is_the_whole_machines() -> None:
    machine = ill.with_log(ill.lost(healthy.rtx3050_laptop(), 0), ill.xid(79, FALLEN))
    assert finding(machine, "gpu-fell-off-bus").subject.kind == "machine"
    silent = machine.replace(
        gpu=machine.gpu.replace(nvml=Known(Nvml("hung"), "nvml"), cuda=Absent("libcuda"))
    )
    assert finding(silent, "gpu-fell-off-bus").subject.kind == "machine"


def test_of_several_the_lost_one_is_meant_though_no_library_answers() -> None:
    node = ill.with_log(healthy.h100_node(), ill.xid(79, FALLEN, gpu=2))
    silent = node.replace(gpu=node.gpu.replace(nvml=Known(Nvml("hung"), "nvml"), cuda=Absent("libcuda")))
    assert finding(silent, "gpu-fell-off-bus").subject.name == gpu.address(2)


def test_a_driver_that_does_not_say_which() -> None:
    laptop = healthy.rtx3050_laptop()
    failed = Known(Nvml("failed", 15, "GPU is lost"), "nvml")
    machine = laptop.replace(gpu=laptop.gpu.replace(nvml=failed, cuda=Absent("libcuda")))
    assert "does not say which" in finding(machine, "gpu-fell-off-bus").title


def test_where_all_answer_a_closed_log_hides_no_lost_gpu() -> None:
    node = healthy.h100_node()
    closed = node.replace(host=node.host.replace(kernel_log=Unknown("permission denied", "root")))
    assert "gpu-fell-off-bus" in judgement(closed).passed
