"""python-version-no-wheel: a wheel that somebody would install, against the interpreter. Composed from the METADATA and
file names of torch 2.4.1 and 2.5.1 on the package index."""

from __future__ import annotations

from gpudoctor.facts.machine import Expectation, Machine, Wanted
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import frameworks


def wanting(python: str, *wheels: Wanted) -> Machine:
    one = frameworks.python().replace(version=Known(python, "pyvenv.cfg"))
    return healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_pythons(one), expectation=Expectation(wheels=wheels)
    )


def test_torch_2_4_has_no_wheel_for_python_3_13() -> None:
    machine = wanting("3.13.1", Wanted("torch", "2.4.1", "cu121"))
    assert causes(machine) == {"python-version-no-wheel"}
    assert "3.13" in finding(machine, "python-version-no-wheel").title


def test_torch_2_5_has() -> None:
    assert causes(wanting("3.13.1", Wanted("torch", "2.5.1", "cu124"))) == set()


def test_a_release_outside_the_table_is_not_known() -> None:
    said = judgement(wanting("3.13.1", Wanted("torch", "2.99.0")))
    assert "python-version-no-wheel" in {s.id for s in said.skipped}


def test_nothing_to_install_is_not_judged() -> None:
    assert "python-version-no-wheel" not in judgement(wanting("3.8.0")).passed
