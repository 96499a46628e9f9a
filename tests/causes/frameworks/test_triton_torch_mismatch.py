"""triton-torch-mismatch: a triton of another release. Composed from METADATA of torch 2.5.1 (triton==3.1.0)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(triton: str, *requires: str) -> Machine:
    torch = frameworks.package("torch", "2.5.1+cu124", *requires)
    return healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_torch(torch, frameworks.package("triton", triton))
    )


PIN = 'triton==3.1.0; platform_system == "Linux" and python_version < "3.13"'


def test_a_triton_that_another_package_brought() -> None:
    assert causes(machine("3.2.0", PIN)) == {"triton-torch-mismatch"}
    found = finding(machine("3.2.0", PIN), "triton-torch-mismatch")
    assert found.severity == "warning" and "3.2.0" in found.title


def test_by_the_table_where_torch_pins_nothing() -> None:
    assert causes(machine("3.2.0")) == {"triton-torch-mismatch"}
    assert causes(machine("3.1.1")) == set()


def test_the_pinned_one_is_well() -> None:
    assert causes(machine("3.1.0", PIN)) == set()
