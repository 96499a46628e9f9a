"""xid-154-recovery-action: what the newest line asks for."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def asks(*changes: str) -> tuple[str, ...]:
    return tuple(f"GPU recovery action changed from {change}" for change in changes)


def test_the_action_is_the_fix() -> None:
    """The form of the line: NVIDIA/open-gpu-kernel-modules issue 1151."""
    (line,) = asks("0x0 (None) to 0x2 (Node Reboot Required)")
    machine = ill.with_log(healthy.h100_node(), ill.xid(154, line, gpu=4))
    assert causes(machine) == {"xid-154-recovery-action"}
    found = finding(machine, "xid-154-recovery-action")
    fix = found.fix
    assert found.severity == "failure"
    assert fix is not None and fix.commands == ("sudo reboot",)


def test_a_reset_names_the_device() -> None:
    (line,) = asks("0x0 (None) to 0x1 (GPU Reset Required)")
    found = finding(ill.with_log(healthy.h100_node(), ill.xid(154, line, gpu=4)), "xid-154-recovery-action")
    assert found.fix is not None and found.subject.name in found.fix.commands[0]


def test_an_action_that_was_taken_back_is_none() -> None:
    first, last = asks("0x0 (None) to 0x1 (GPU Reset Required)", "0x1 (GPU Reset Required) to 0x0 (None)")
    machine = ill.with_log(healthy.h100_node(), ill.xid(154, first), ill.xid(154, last))
    assert causes(machine) == set()


def test_other_words_are_not_guessed_at() -> None:
    result = judgement(ill.with_log(healthy.h100_node(), ill.xid(154, "new words")))
    assert any(s.id == "xid-154-recovery-action" for s in result.skipped)
    assert "xid-154-recovery-action" not in result.passed
