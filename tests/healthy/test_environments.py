"""No environment that its installer made well is found ill on a machine that it fits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.system.port import Options
from gpudoctor.system.root import Root
from gpudoctor.versions import compare, major
from tests.healthy.environments import ENVIRONMENTS, Environment
from tests.healthy.hosts import HOSTS, Well
from tests.healthy.test_hosts import assert_well
from tests.sysroot import build

BASE: dict[str, bytes | str] = {
    "/usr/bin/python3.11": "\x7fELF",
    "/usr/lib/python3.11/os.py": "",
    "/home/u/src/mine/__init__.py": "",
    "/home/u/lib/libmine.so": "",
    "/etc/os-release": "ID=ubuntu\n",
}


@cache
def made(name: str) -> Environment:
    return ENVIRONMENTS[name]()


def asked(name: str, folder: Path) -> Machine:
    """What the probes read of the environment, active in its shell."""
    one = made(name)
    port = Root(
        build(folder, {**BASE, **one.files}), env=one.variables, options=Options(pythons=(one.python,))
    )
    found = Asking(port, ("frameworks", "libraries", "environment", "cuda")).machine()
    assert isinstance(found.frameworks.interpreters, Known) and isinstance(found.libraries.loads, Known)
    assert any(
        interpreter.builds for interpreter in found.frameworks.interpreters.value
    )  # there was something to judge
    return found


def on(machine: Machine, found: Machine) -> Machine:
    return machine.replace(
        frameworks=found.frameworks, libraries=found.libraries, environment=found.environment, cuda=found.cuda
    )


def fits(one: Environment, well: Well) -> bool:
    """By the rules of CUDA: the driver's major at least, and machine code of the GPU's major up to its minor; not Tegra, not
    an older C library than the wheels are for."""
    if (
        not well.capability
        or well.capability == 87
        or "CentOS" in well.machine.__name__
        or well.capability == 61
    ):
        return False
    runs = major(well.cuda) > major(one.cuda) or (
        major(well.cuda) == major(one.cuda) and compare(well.cuda, "12.0") >= 0
    )
    served = any(c // 10 == well.capability // 10 and c <= well.capability for c in one.capabilities)
    return runs and served


def well_for(name: str) -> str:
    """The first machine that it fits, each environment another where it can be."""
    fitting = [host for host, well in HOSTS.items() if fits(made(name), well)]
    return fitting[list(ENVIRONMENTS).index(name) % len(fitting)]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_that_is_well(name: str, tmp_path: Path) -> None:
    well = HOSTS[well_for(name)]
    assert_well(on(well.machine(), asked(name, tmp_path)), well)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_that_is_well_on_every_machine_that_it_fits(name: str, tmp_path: Path) -> None:
    found = asked(name, tmp_path)
    fitting = [well for well in HOSTS.values() if fits(made(name), well)]
    assert fitting
    for well in fitting:
        assert_well(on(well.machine(), found), well)
