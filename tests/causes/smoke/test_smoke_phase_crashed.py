"""smoke-phase-crashed: a signal in the midst of a phase."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_phase_and_signal_are_in_the_title() -> None:
    machine = smoke.machine(smoke.crashed("conv"))
    assert causes(machine) == {"smoke-phase-crashed"}
    title = finding(machine, "smoke-phase-crashed").title
    assert "conv" in title and "SIGSEGV" in title


def test_the_last_words_are_evidence() -> None:
    words = 'Fatal Python error: Segmentation fault\n  File "smoke_torch.py", line 9 in conv'
    machine = smoke.machine(smoke.crashed("conv").replace(output=words))
    assert any("line 9 in conv" in e.value for e in finding(machine, "smoke-phase-crashed").evidence)


def test_a_run_that_passed_has_none() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()
