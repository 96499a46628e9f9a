"""An ordinary user under kernel.dmesg_restrict: what another witness answers needs no log, the rest is not passed."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, judgement
from tests.machines import healthy
from tests.machines.parts import gpu, ill

RESTRICTED = Unknown("/dev/kmsg: permission denied", "root")
#: What only the log could tell: Xids of the past.
HISTORY = {
    "xid-109-context-switch-timeout",
    "xid-119-gsp-timeout",
    "xid-13-31-application-fault",
    "xid-154-recovery-action",
    "xid-43-gpu-stopped-processing",
    "xid-other-application",
    "xid-other-driver",
    "xid-other-hardware",
}


def restricted(machine: Machine) -> Machine:
    return machine.replace(host=machine.host.replace(kernel_log=RESTRICTED))


@pytest.mark.parametrize("machine", [healthy.rtx3050_laptop(), healthy.rtx5090_desktop()])
def test_a_desktop_has_no_switch_no_link_and_no_rows_to_ask_the_log_about(machine: Machine) -> None:
    result = judgement(restricted(machine))
    assert {skip.id for skip in result.skipped} == HISTORY
    assert len({skip.reason for skip in result.skipped}) == 1 and result.findings == ()


def test_nvlinks_may_have_failed_unseen() -> None:
    machine = healthy.h100_node()
    nvml = machine.gpu.nvml
    assert isinstance(nvml, Known)
    for index in range(len(nvml.value.devices)):
        machine = ill.with_device(machine, index, nvlinks=(True,) * 18)
    assert {skip.id for skip in judgement(restricted(machine)).skipped} == HISTORY | {"xid-74-nvlink-error"}


def test_so_may_an_nvswitch() -> None:
    machine = healthy.h100_node()
    switch = gpu.pci(40, 0x22A3, class_code=0x068000)
    pci = machine.gpu.pci
    assert isinstance(pci, Known)
    with_switch = machine.replace(gpu=machine.gpu.replace(pci=Known((*pci.value, switch), pci.via)))
    assert "sxid-nvswitch-error" in {skip.id for skip in judgement(restricted(with_switch)).skipped}


def test_without_a_gpu_nobody_asks_for_the_log() -> None:
    machine = restricted(healthy.no_gpu_server())
    assert judgement(machine).skipped == () and causes(machine) == set()
