"""ecc-uncorrectable: errors since the driver was loaded, pending rows, Xids."""

from __future__ import annotations

from gpudoctor.facts.gpu import Nvml, RemappedRows
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import ill

ROW = "pid=1896, Row Remapper: New row marked for remapping, reset gpu to activate."


def double_bit_error() -> Machine:
    """GPU 3 counts an uncorrectable error; the log's words are those of stas00/ml-engineering, debug.md."""
    rows = RemappedRows(0, 1, True, False)
    machine = ill.with_device(
        healthy.h100_node(), 3, ecc_uncorrected_volatile=1, ecc_uncorrected_aggregate=1, remapped_rows=rows
    )
    return ill.with_log(machine, ill.xid(48, "An uncorrectable double bit error", 3), ill.xid(63, ROW, 3))


def test_a_double_bit_error_is_one_failure_of_one_gpu() -> None:
    machine = double_bit_error()
    assert causes(machine) == {"ecc-uncorrectable"}
    found = finding(machine, "ecc-uncorrectable")
    assert found.severity == "failure"
    assert "GPU 3" in found.title and "1 uncorrectable memory error" in found.title
    assert found.fix is not None and found.subject.name in found.fix.commands[0]


def test_a_pending_row_alone_is_a_warning() -> None:
    machine = ill.with_device(healthy.h100_node(), 3, remapped_rows=RemappedRows(1, 0, True, False))
    assert causes(machine) == {"ecc-uncorrectable"}
    assert finding(machine, "ecc-uncorrectable").severity == "warning"


def test_old_errors_whose_rows_were_replaced_are_history() -> None:
    machine = ill.with_device(
        healthy.h100_node(),
        3,
        ecc_uncorrected_aggregate=2,
        remapped_rows=RemappedRows(0, 2, False, False),
    )
    assert causes(machine) == set()


def test_the_programs_that_it_killed_fold_under_it() -> None:
    machine = double_bit_error()
    machine = ill.with_log(machine, *machine.host.kernel_log.value, ill.xid(43, "pid=1, Ch 00000008", 3))
    assert folded(machine) == {"xid-43-gpu-stopped-processing": "ecc-uncorrectable"}


def test_nvml_is_enough_where_the_log_is_closed() -> None:
    node = healthy.h100_node()
    closed = node.replace(host=node.host.replace(kernel_log=Unknown("permission denied", "root")))
    assert "ecc-uncorrectable" in judgement(closed).passed


def test_a_card_without_ecc_is_not_judged() -> None:
    reasons = {n.id: n.reason for n in judgement(healthy.rtx3050_laptop()).not_applicable}
    assert "no ECC" in reasons["ecc-uncorrectable"]


def test_a_device_that_does_not_tell_is_not_passed() -> None:
    unknown = Unknown("Unknown Error")
    machine = ill.with_device(
        healthy.h100_node(), 0, ecc_uncorrected_volatile=unknown, remapped_rows=Absent("x")
    )
    result = judgement(machine)
    assert "ecc-uncorrectable" not in result.passed
    assert any(s.id == "ecc-uncorrectable" and "GPU 0" in s.reason for s in result.skipped)


def test_the_count_alone_is_a_failure() -> None:
    machine = ill.with_device(healthy.h100_node(), 3, ecc_uncorrected_volatile=2)
    found = finding(machine, "ecc-uncorrectable")
    assert found.severity == "failure" and "2 uncorrectable memory errors" in found.title


def test_where_nvml_is_silent_the_log_speaks() -> None:
    node = double_bit_error()
    silent = node.replace(gpu=node.gpu.replace(nvml=Known(Nvml("hung"), "nvml"), cuda=Absent("libcuda.so.1")))
    found = finding(silent, "ecc-uncorrectable")
    assert found.severity == "failure" and found.subject.name == "0000:04:00.0"


def test_neither_of_both_tells_nothing() -> None:
    node = healthy.h100_node()
    silent = node.replace(
        gpu=node.gpu.replace(nvml=Known(Nvml("hung"), "nvml")),
        host=node.host.replace(kernel_log=Unknown("permission denied", "root")),
    )
    result = judgement(silent)
    assert (
        any(s.id == "ecc-uncorrectable" for s in result.skipped) and "ecc-uncorrectable" not in result.passed
    )
