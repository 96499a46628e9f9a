"""ld-library-path-empty-element: the current folder among the loader's."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda

ID = "ld-library-path-empty-element"


def laptop(*values: str, variable: str = "LD_LIBRARY_PATH") -> Machine:
    entries = tuple(cuda.entry(variable, value) for value in values)
    return healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))


def test_the_trailing_colon_of_the_usual_line() -> None:
    machine = laptop("/usr/local/cuda/lib64", "")
    assert causes(machine) == {ID}
    fix = finding(machine, ID).fix
    assert fix is not None
    assert fix.commands == (
        "export LD_LIBRARY_PATH=/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}",
    )


def test_a_variable_that_is_wholly_empty_counts_as_not_set() -> None:
    assert causes(laptop("")) == set()


def test_elements_that_are_all_filled_are_well() -> None:
    assert causes(laptop("/opt/a", "/opt/b")) == set()


def test_path_is_not_ld_library_path() -> None:
    assert causes(laptop("/usr/bin", "", variable="PATH")) == set()
