"""pip-index-missing: a +cuNNN version from the default index. Composed from https://pytorch.org/get-started/locally/."""

from __future__ import annotations

from gpudoctor.facts.machine import Expectation, Machine, Wanted
from tests.judged import causes, finding
from tests.machines import healthy


def typing(command: str, variant: str = "cu124") -> Machine:
    wheel = Wanted("torch", "2.5.1", variant, command)
    return healthy.rtx3050_laptop().replace(expectation=Expectation(wheels=(wheel,)))


def test_a_local_version_without_an_index() -> None:
    machine = typing("pip install torch==2.5.1+cu124")
    assert causes(machine) == {"pip-index-missing"}
    fix = finding(machine, "pip-index-missing").fix
    assert fix is not None and fix.commands[0].endswith("https://download.pytorch.org/whl/cu124")


def test_with_the_index_it_is_there() -> None:
    command = "pip install torch==2.5.1+cu124 --index-url https://download.pytorch.org/whl/cu124"
    assert causes(typing(command)) == set()


def test_a_plain_version_is_on_the_default_index() -> None:
    assert causes(typing("pip install torch==2.5.1", "")) == set()
