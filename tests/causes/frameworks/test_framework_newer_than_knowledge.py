"""framework-newer-than-knowledge: a release after the tables. Composed: a torch 99."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def test_a_release_after_the_tables_is_a_note() -> None:
    build = frameworks.torch("99.0.0+cu124", "12.4")
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))
    assert causes(machine) == {"framework-newer-than-knowledge"}
    assert finding(machine, "framework-newer-than-knowledge").severity == "note"


def test_a_release_in_the_tables_is_not() -> None:
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch())) == set()
