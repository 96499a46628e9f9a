"""row-remap-failed: no spare row was left."""

from __future__ import annotations

from gpudoctor.facts.gpu import RemappedRows
from gpudoctor.facts.observed import Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def test_a_failed_remap_asks_for_a_replacement() -> None:
    rows = RemappedRows(0, 8, True, True)
    machine = ill.with_device(healthy.h100_node(), 1, remapped_rows=rows)
    machine = ill.with_log(machine, ill.xid(64, "Row Remapper: Fatal error, unable to remap", 1))
    assert causes(machine) == {"row-remap-failed"}
    found = finding(machine, "row-remap-failed")
    assert found.severity == "failure" and "GPU 1" in found.title and len(found.evidence) == 2


def test_the_log_alone_is_enough_on_older_cards() -> None:
    machine = ill.with_log(healthy.rtx3050_laptop(), ill.xid(64, "Dynamic Page Retirement: Fatal error"))
    assert causes(machine) == {"row-remap-failed"}


def test_a_pending_row_is_not_a_failed_one() -> None:
    machine = ill.with_device(healthy.h100_node(), 1, remapped_rows=RemappedRows(0, 8, True, False))
    assert "row-remap-failed" not in causes(machine)


def test_a_card_without_the_flag_and_a_closed_log_are_not_passed() -> None:
    laptop = ill.with_device(healthy.rtx3050_laptop(), 0, retired_pages_pending=False)  # as a T4 answers
    closed = laptop.replace(host=laptop.host.replace(kernel_log=Unknown("permission denied", "root")))
    result = judgement(closed)
    assert any(s.id == "row-remap-failed" and s.would_help == "root" for s in result.skipped)
    assert "row-remap-failed" not in result.passed
