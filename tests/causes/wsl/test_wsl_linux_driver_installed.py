"""wsl-linux-driver-installed (microsoft/WSL#9254, NVIDIA/cuml#6218)."""

from __future__ import annotations

from gpudoctor.facts.driver import Package
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.causes.wsl.machines import wsl2
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver


def shadowed() -> Machine:
    machine = wsl2()
    linux = driver.library("libcuda.so.1", "535.183.01")
    packages = Known((Package("libnvidia-compute-535", "535.183.01-0ubuntu1"),), "/var/lib/dpkg/status")
    libraries = Known((linux, *machine.driver.libraries.value), "loader")
    return machine.replace(driver=machine.driver.replace(libraries=libraries, packages=packages))


def test_the_linux_libcuda_in_front_is_named() -> None:
    assert causes(shadowed()) == {"wsl-linux-driver-installed"}
    found = finding(shadowed(), "wsl-linux-driver-installed")
    assert "libcuda.so.535.183.01" in found.title and found.severity == "failure"
    assert found.fix is not None and "purge" in found.fix.commands[0]


def test_packages_alone_are_a_warning() -> None:
    machine = wsl2()
    packages = Known((Package("nvidia-driver-535", "535.183.01-0ubuntu1"),), "/var/lib/dpkg/status")
    machine = machine.replace(driver=machine.driver.replace(packages=packages))
    assert finding(machine, "wsl-linux-driver-installed").severity == "warning"


def test_the_toolkit_and_the_container_toolkit_belong_there() -> None:
    machine = wsl2()
    packages = Known(
        (Package("nvidia-container-toolkit", "1.17.8-1"), Package("libnvidia-container1", "1.17.8-1")), "dpkg"
    )
    assert causes(machine.replace(driver=machine.driver.replace(packages=packages))) == set()


def test_the_same_library_on_linux_is_the_driver() -> None:
    assert causes(healthy.rtx3050_laptop()) == set()
