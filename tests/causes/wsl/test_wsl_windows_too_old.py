"""wsl-windows-too-old. Limits: NVIDIA's CUDA on WSL guide."""

from __future__ import annotations

from gpudoctor.facts.host import Wsl
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.causes.wsl.machines import wsl2
from tests.judged import causes, finding
from tests.machines.parts import gpu


def with_wsl(kernel: str, **changes: object) -> Machine:
    machine = wsl2()
    wsl: Wsl = machine.host.wsl.value.replace(**changes)
    return machine.replace(
        host=machine.host.replace(kernel=Known(kernel, "uname"), wsl=Known(wsl, "/proc/version"))
    )


def test_wsl_1_has_no_gpu() -> None:
    machine = with_wsl("4.4.0-19041-Microsoft", generation=1, windows_build=Known("19041", "/proc/version"))
    machine = machine.replace(gpu=gpu.none())
    assert causes(machine) == {"wsl-windows-too-old"}
    assert "WSL 1" in finding(machine, "wsl-windows-too-old").title


def test_a_kernel_from_before_the_gpu_is_named() -> None:
    machine = with_wsl("4.19.104-microsoft-standard")
    assert "4.19.104" in finding(machine, "wsl-windows-too-old").title


def test_a_missing_dxg_beside_windows_libraries_is_a_fault() -> None:
    machine = with_wsl("5.15.153.1-microsoft-standard-WSL2", dxg=Known(False, "/dev/dxg"))
    assert "wsl-windows-too-old" in causes(machine)


def test_a_current_wsl_is_well() -> None:
    assert causes(wsl2()) == set()
