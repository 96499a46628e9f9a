"""xid-109-context-switch-timeout: that number, and no other."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_number_is_named() -> None:
    machine = ill.with_log(
        healthy.h100_node(),
        ill.xid(
            109,
            "pid=1797828, name=pt_main_thread, Ch 00000008, errorString CTX SWITCH TIMEOUT, Info 0x58005",
            gpu=1,
        ),
    )
    assert causes(machine) == {"xid-109-context-switch-timeout"}
    found = finding(machine, "xid-109-context-switch-timeout")
    assert found.severity == "warning" and "GPU 1" in found.title and "Xid 109" in found.title


def test_another_number_is_another_cause() -> None:
    assert "xid-109-context-switch-timeout" not in causes(
        ill.with_log(healthy.h100_node(), ill.xid(43, "words", gpu=1))
    )
