"""smoke-did-not-converge: a loss that does not fall."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_it_shows_the_curve() -> None:
    bad = smoke.failing("mlp", "convergence", "mlp: the loss is nan at step 2")
    phases = tuple(p.replace(curve=(2.3, 5.0, -1.0)) if p.name == "mlp" else p for p in bad.phases)
    machine = smoke.machine(bad.replace(phases=phases))
    assert causes(machine) == {"smoke-did-not-converge"}
    found = finding(machine, "smoke-did-not-converge")
    assert any(e.value == "2.3 5 -1" for e in found.evidence)


def test_wrong_numerics_of_the_same_device_explain_it() -> None:
    wrong = smoke.failing("gemm-exact", "numerics", "wrong")
    phases = tuple(
        p.replace(state="failed", illness="convergence") if p.name == "mlp" else p
        for p in smoke.passed().phases
    )
    both = wrong.replace(phases=(*wrong.phases, *phases[-2:]))
    found = {f.id: f.severity for f in [finding(smoke.machine(both), "smoke-did-not-converge")]}
    assert found == {"smoke-did-not-converge": "failure"}


def test_a_model_that_learns_is_well() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()
