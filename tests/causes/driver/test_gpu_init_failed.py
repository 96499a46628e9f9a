"""gpu-init-failed: the log's lines of NVIDIA/open-gpu-kernel-modules#1104 and #789."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import gpu, host

FAILED = host.event(
    "rm-init-failed", "NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x62:0x40:2168)", "0000:01:00"
)
WPR2 = host.event("gsp", "NVRM: _kgspBootGspRm: unexpected WPR2 already up, cannot proceed with booting GSP")
GSP = host.event("gsp", "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM")


def stuck(*lines: object) -> Machine:
    desktop = healthy.rtx5090_desktop()
    return desktop.replace(
        host=host.ubuntu(kernel_log=host.log(*lines)),  # type: ignore[arg-type]
        gpu=gpu.no_devices(desktop.gpu),
    )


def test_the_variant_decides_the_fix() -> None:
    machine = stuck(WPR2, GSP, FAILED)
    assert "gpu-init-failed" in causes(machine)
    found = finding(machine, "gpu-init-failed")
    assert "WPR2" in found.title
    assert found.fix is not None and "completely" in found.fix.summary
    assert "firmware did not start" in finding(stuck(GSP, FAILED), "gpu-init-failed").title


def test_a_gpu_that_came_up_later_is_well() -> None:
    desktop = healthy.rtx5090_desktop()
    assert "gpu-init-failed" not in causes(desktop.replace(host=host.ubuntu(kernel_log=host.log(FAILED))))


def test_only_the_gpu_of_the_line_is_named() -> None:
    node = healthy.h100_node()
    nvml = node.gpu.nvml.value
    seven = node.gpu.replace(nvml=Known(nvml.replace(devices=nvml.devices[1:]), "nvml"))
    found = finding(node.replace(host=host.ubuntu(kernel_log=host.log(FAILED)), gpu=seven), "gpu-init-failed")
    assert found.subject.name == "0000:01:00.0"


def test_without_the_log_it_is_not_said_to_be_well() -> None:
    machine = stuck()
    machine = machine.replace(host=host.ubuntu(kernel_log=Unknown("/dev/kmsg: permission denied", "root")))
    assert "gpu-init-failed" in {s.id for s in judgement(machine).skipped}
