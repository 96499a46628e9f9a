"""xid-43-gpu-stopped-processing: that number, and no other."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_number_is_named() -> None:
    machine = ill.with_log(
        healthy.h100_node(), ill.xid(43, "pid=1797828, name=pt_main_thread, Ch 00000008", gpu=1)
    )
    assert causes(machine) == {"xid-43-gpu-stopped-processing"}
    found = finding(machine, "xid-43-gpu-stopped-processing")
    assert found.severity == "note" and "GPU 1" in found.title and "Xid 43" in found.title


def test_another_number_is_another_cause() -> None:
    assert "xid-43-gpu-stopped-processing" not in causes(
        ill.with_log(healthy.h100_node(), ill.xid(109, "words", gpu=1))
    )
