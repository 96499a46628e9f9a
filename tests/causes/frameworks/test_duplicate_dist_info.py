"""duplicate-dist-info: one package recorded twice. Composed: an interrupted upgrade of torch."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(*versions: str) -> Machine:
    packages = tuple(frameworks.package("torch", v) for v in versions)
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(*packages))


def test_two_records_of_torch() -> None:
    assert causes(machine("2.4.1+cu124", "2.5.1+cu124")) == {"duplicate-dist-info"}
    assert (
        "2.4.1+cu124, 2.5.1+cu124"
        in finding(machine("2.4.1+cu124", "2.5.1+cu124"), "duplicate-dist-info").title
    )


def test_one_record_is_well() -> None:
    assert causes(machine("2.5.1+cu124")) == set()


def test_condas_record_beside_the_dist_info_is_usual() -> None:
    conda = frameworks.package("torch", "2.5.1", installer="conda", build="py311")
    machine = healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_torch(conda, frameworks.package("torch", "2.5.1+cu124"))
    )
    assert causes(machine) == set()
