"""smoke-compile-failed: no compiler for torch.compile."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_it_is_named_with_the_phase_and_its_words() -> None:
    machine = smoke.machine(
        smoke.failing(
            "compile",
            "compiler",
            "InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx",
        )
    )
    assert causes(machine) == {"smoke-compile-failed"}
    found = finding(machine, "smoke-compile-failed")
    assert "compile" in found.title and found.severity == "failure"
    assert found.subject.name == f"{smoke.PYTHON}:torch"
    assert any("InvalidCxxCompiler: No working C++ compi" in e.value for e in found.evidence)
    assert found.fix is not None


def test_a_run_that_passed_has_none() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()


def test_another_illness_is_another_cause() -> None:
    other = smoke.machine(smoke.failing("mlp", "convergence", "the loss rose"))
    assert causes(other) == {"smoke-did-not-converge"}
