"""xid-74-nvlink-error: that number, and no other."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_number_is_named() -> None:
    machine = ill.with_log(
        healthy.h100_node(),
        ill.xid(
            74,
            "pid=123, NVLink: fatal error detected on link 6(0x0, 0x0, 0x10000, 0x0, 0x0, 0x0, 0x0)",
            gpu=1,
        ),
    )
    assert causes(machine) == {"xid-74-nvlink-error"}
    found = finding(machine, "xid-74-nvlink-error")
    assert found.severity == "failure" and "GPU 1" in found.title and "Xid 74" in found.title


def test_another_number_is_another_cause() -> None:
    assert "xid-74-nvlink-error" not in causes(ill.with_log(healthy.h100_node(), ill.xid(43, "words", gpu=1)))
