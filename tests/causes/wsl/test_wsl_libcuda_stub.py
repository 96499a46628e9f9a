"""wsl-libcuda-stub: the loader passes WSL's libcuda by."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.causes.wsl.machines import wsl2, wsl_library
from tests.judged import causes, finding
from tests.machines.parts import driver


def with_libraries(*libraries: object) -> Machine:
    machine = wsl2()
    return machine.replace(driver=machine.driver.replace(libraries=Known(libraries, "loader")))


def test_a_loader_that_does_not_know_the_folder_is_told() -> None:
    copies = (wsl_library("libcuda.so.1").replace(origin="unreached"), wsl_library("libnvidia-ml.so.1"))
    machine = with_libraries(*copies)
    machine = machine.replace(gpu=machine.gpu.replace(cuda=Absent("libcuda.so.1 in the loader's folders")))
    assert "wsl-libcuda-stub" in causes(machine)
    fix = finding(machine, "wsl-libcuda-stub").fix
    assert fix is not None and "ld.wsl.conf" in fix.commands[0]


def test_the_toolkits_stub_in_front_is_named() -> None:
    stub = driver.library("libcuda.so.1", "0", "/usr/local/cuda/lib64/stubs", origin="stub")
    machine = with_libraries(stub, *wsl2().driver.libraries.value)
    assert "stubs" in finding(machine, "wsl-libcuda-stub").title


def test_a_loader_that_takes_windows_libcuda_is_well() -> None:
    assert causes(wsl2()) == set()
