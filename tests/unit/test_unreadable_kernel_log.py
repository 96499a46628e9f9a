"""An ordinary user under kernel.dmesg_restrict: what another witness answers needs no log, the rest is not passed."""

from __future__ import annotations

import sys

import pytest

from gpudoctor.facts.gpu import CudaDriver, RemappedRows
from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.report.model import check_report
from gpudoctor.report.style import Style
from gpudoctor.report.text import render
from gpudoctor.rules.registry import causes as causes_of_all
from gpudoctor.workflows import check
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


# ---------------------------------------------------------------- the exit code


def exit_code(machine: Machine, strict: bool = False) -> int:
    return check.exit_code(machine, judgement(machine), causes_of_all(), strict)


@pytest.mark.parametrize("machine", [healthy.rtx3050_laptop(), healthy.h100_node()])
@pytest.mark.parametrize("log", [RESTRICTED, Absent("/dev/kmsg")])
def test_history_alone_does_not_keep_a_machine_that_is_well_from_0(
    machine: Machine, log: Observed[tuple[KernelEvent, ...]]
) -> None:
    machine = machine.replace(host=machine.host.replace(kernel_log=log))
    skipped = judgement(machine).skipped
    assert skipped and all(skip.minor for skip in skipped)
    assert exit_code(machine) == 0 and exit_code(machine, strict=True) == 2


@pytest.mark.parametrize(
    "ill_field",
    [
        {"temperature": Unknown("Unknown Error")},
        {"ecc_uncorrected_volatile": Unknown("Unknown Error")},
        {"remapped_rows": Known(RemappedRows(0, 1, True, False), "nvml")},
        {"memory_total": Unknown("GPU is lost")},
    ],
)
def test_where_a_gpu_does_not_answer_for_itself_the_log_is_missed(ill_field: dict[str, object]) -> None:
    machine = restricted(ill.with_device(healthy.h100_node(), 3, **ill_field))
    assert not any(skip.minor for skip in judgement(machine).skipped if skip.id in HISTORY)
    assert exit_code(machine) != 0


@pytest.mark.parametrize("cuda", [Absent("libcuda.so.1"), Unknown("GPU is asleep", "wake")])
def test_where_cuda_was_not_asked_it_is_missed_too(cuda: Observed[CudaDriver]) -> None:
    machine = healthy.rtx3050_laptop()
    machine = restricted(machine.replace(gpu=machine.gpu.replace(cuda=cuda)))
    assert exit_code(machine) == 2


def test_a_gpu_that_cuda_does_not_count_is_no_witness_for_all() -> None:
    machine = restricted(ill.with_cuda(healthy.h100_node(), 7, 7))
    assert not any(skip.minor for skip in judgement(machine).skipped)


# ---------------------------------------------------------------- the text


def text_of(machine: Machine) -> str:
    result = judgement(machine)
    report = check_report(machine, result, exit_code(machine))
    return render(report, result, Style(width=200))


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("/home/u/venv/bin/gpudoctor", "sudo /home/u/venv/bin/gpudoctor check"),
        ("/usr/local/bin/gpudoctor", "sudo gpudoctor check"),
        ("gpudoctor", "sudo gpudoctor check"),
    ],
)
def test_the_report_says_what_was_not_looked_at_and_how_root_would(
    program: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "check"])
    text = text_of(restricted(healthy.rtx3050_laptop()))
    assert "nothing wrong was found, in what could be looked at" in text
    assert "8 could not look (8 of the past or minor)" in text and text.rstrip().endswith(command)


def test_a_machine_that_was_looked_at_has_no_such_words() -> None:
    assert "in what could be looked at" not in text_of(healthy.rtx3050_laptop())
