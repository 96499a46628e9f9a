"""distribution-record-missing: a dist-info without RECORD."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks

ID = "distribution-record-missing"


def with_package(**changes: object) -> Machine:
    own = frameworks.package("torch", "2.5.1+cu124", **changes)
    return healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_pythons(frameworks.python(frameworks.torch(), own))
    )


def test_a_torch_that_pip_can_not_remove() -> None:
    machine = with_package(record_missing=True, installer="")
    assert causes(machine) == {ID}
    found = finding(machine, ID)
    assert found.severity == "note" and found.fix is not None
    assert found.fix.commands[0].endswith("--ignore-installed --no-deps torch==2.5.1+cu124")


def test_one_with_its_record_is_well() -> None:
    assert causes(with_package()) == set()


def test_a_distributions_packages_have_records_elsewhere() -> None:
    assert ID not in causes(with_package(record_missing=True, location="/usr/lib/python3/dist-packages"))
    assert ID not in causes(with_package(record_missing=True, installer="conda"))
