"""driver-too-old-for-gpu: Blackwell with a driver from before it."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def blackwell_with(version: str, flavour: str = "open") -> Machine:
    desktop = healthy.rtx5090_desktop()
    return desktop.replace(driver=driver.not_loaded(version), gpu=gpu.not_loaded(desktop.gpu))


def test_a_driver_from_before_the_gpu_is_named() -> None:
    machine = blackwell_with("550.163.01")
    assert causes(machine) == {"driver-too-old-for-gpu"}
    assert "570" in finding(machine, "driver-too-old-for-gpu").title


def test_the_first_branch_is_new_enough() -> None:
    assert "driver-too-old-for-gpu" not in causes(blackwell_with("570.86.10"))
