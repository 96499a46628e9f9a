"""numpy-too-new-for-framework: NumPy 2 beside what was compiled for NumPy 1. Composed from pytorch/pytorch#107302."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(torch: str, numpy: str, *requires: str) -> Machine:
    build = frameworks.torch(torch, "12.1")
    python = frameworks.python(
        build, frameworks.package("torch", torch, *requires), frameworks.package("numpy", numpy)
    )
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))


def test_torch_2_1_beside_numpy_2() -> None:
    assert causes(machine("2.1.2+cu121", "2.1.3")) == {"numpy-too-new-for-framework"}
    fix = finding(machine("2.1.2+cu121", "2.1.3"), "numpy-too-new-for-framework").fix
    assert fix is not None and fix.commands[0].endswith("'numpy<2'")


def test_a_bound_in_the_metadata() -> None:
    ill = machine("2.5.1+cu124", "2.2.0", "numpy<2.1.0,>=1.26.0")
    assert causes(ill) == {"numpy-too-new-for-framework"}


def test_torch_2_5_takes_numpy_2() -> None:
    assert causes(machine("2.5.1+cu124", "2.1.3")) == set()


def test_too_old_a_numpy_is_another_cause() -> None:
    old = machine("2.5.1+cu124", "1.20.0", "numpy<2.1.0,>=1.26.0")
    assert causes(old) == {"numpy-too-old-for-framework"}
