"""smoke-wrong-numerics: one wrong bit in a product of whole numbers."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_it_is_named_with_the_phase_and_its_words() -> None:
    machine = smoke.machine(
        smoke.failing(
            "gemm-exact",
            "numerics",
            "fp16: 1 of 1048576 elements of an exact matrix product are wrong, by up to 1",
        )
    )
    assert causes(machine) == {"smoke-wrong-numerics"}
    found = finding(machine, "smoke-wrong-numerics")
    assert "gemm-exact" in found.title and found.severity == "failure"
    assert found.subject.name == smoke.UUID
    assert any("fp16: 1 of 1048576 elements of an exact " in e.value for e in found.evidence)
    assert found.fix is not None


def test_a_run_that_passed_has_none() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()


def test_another_illness_is_another_cause() -> None:
    other = smoke.machine(smoke.failing("mlp", "convergence", "the loss rose"))
    assert causes(other) == {"smoke-did-not-converge"}
