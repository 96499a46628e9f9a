"""xid-13-31-application-fault: a program's fault, not the GPU's."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_an_illegal_access_is_a_note_about_the_program() -> None:
    """The lines' words: leptonai/gpud pull request 46."""
    machine = ill.with_log(
        healthy.h100_node(),
        ill.xid(13, "Graphics SM Warp Exception on (GPC 7, TPC 7, SM 0): Illegal Instruction Parameter"),
        ill.xid(13, "Graphics SM Global Exception on (GPC 7, TPC 7, SM 0): Multiple Warp Errors"),
        ill.xid(43, "pid=1797828, name=pt_main_thread, Ch 00000008"),
    )
    assert causes(machine) == {"xid-13-31-application-fault"}
    assert finding(machine, "xid-13-31-application-fault").severity == "note"


def test_a_memory_error_of_the_hardware_is_not_taken_for_it() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(48, "uncorrectable double bit error"))
    assert "xid-13-31-application-fault" not in causes(machine)
