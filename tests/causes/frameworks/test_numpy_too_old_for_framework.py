"""numpy-too-old-for-framework: below the range. Composed from the METADATA of tensorflow 2.18.0 (numpy<2.1.0,>=1.26.0)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(numpy: str, requires: str = "numpy<2.1.0,>=1.26.0") -> Machine:
    python = frameworks.python(
        frameworks.package("tensorflow", "2.18.0", requires), frameworks.package("numpy", numpy)
    )
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))


def test_below_the_range() -> None:
    assert causes(machine("1.24.4")) == {"numpy-too-old-for-framework"}
    assert "1.26.0" in finding(machine("1.24.4"), "numpy-too-old-for-framework").title


def test_within_it() -> None:
    assert causes(machine("1.26.4")) == set()


def test_above_it_is_another_cause() -> None:
    assert causes(machine("2.1.3")) == {"numpy-too-new-for-framework"}
    assert causes(machine("1.21.0", "numpy~=1.19.2")) == set()
