"""xid-other-driver: what the catalogue puts down to the driver."""

from __future__ import annotations

import pytest

from gpudoctor import knowledge
from gpudoctor.knowledge.records import Xid
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of two rows, so that this tests the judging and not the table."""
    rows = {
        62: Xid(
            62, "PMU_HALT", "Internal micro-controller halt", "hardware", "failure", "RESET_GPU", "catalogue"
        ),
        145: Xid(145, "NVLINK_RLW", "NVLink RLW error", "link", "failure", "RESET_GPU", "catalogue"),
        38: Xid(38, "DRIVER", "Driver firmware error", "driver", "warning", "UPDATE_SWFW", "catalogue"),
        69: Xid(69, "CLASS", "Graphics Engine class error", "application", "note", "IGNORE", "catalogue"),
        45: Xid(45, "CLEANUP", "Preemptive cleanup", "information", "note", "IGNORE", "catalogue"),
    }
    monkeypatch.setattr(knowledge, "xid", rows.get)


def test_it_is_told_by_its_class() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(38, "pid=1, words", gpu=1))
    assert causes(machine) == {"xid-other-driver"}
    assert finding(machine, "xid-other-driver").severity == "warning"


def test_another_class_is_not_meant() -> None:
    assert "xid-other-driver" not in causes(ill.with_log(healthy.h100_node(), ill.xid(62, "words")))
