"""What the tests of the classes of Xids share."""

from __future__ import annotations

import pytest

from gpudoctor import knowledge
from gpudoctor.knowledge.records import Xid


@pytest.fixture
def few_xids(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of five rows, so that the judging is tested and not the table."""
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
