"""smoke-shared-memory-full: /dev/shm has no room."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_it_is_named_with_the_phase_and_its_words() -> None:
    machine = smoke.machine(
        smoke.failing(
            "loader",
            "shared-memory",
            "RuntimeError: unable to write to file </torch_1_2>: No space left on device (28)",
        )
    )
    assert causes(machine) == {"smoke-shared-memory-full"}
    found = finding(machine, "smoke-shared-memory-full")
    assert "loader" in found.title and found.severity == "failure"
    assert found.subject.name == f"{smoke.PYTHON}:torch"
    assert any("RuntimeError: unable to write to file </" in e.value for e in found.evidence)
    assert found.fix is not None


def test_a_run_that_passed_has_none() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()


def test_another_illness_is_another_cause() -> None:
    other = smoke.machine(smoke.failing("mlp", "convergence", "the loss rose"))
    assert causes(other) == {"smoke-did-not-converge"}
