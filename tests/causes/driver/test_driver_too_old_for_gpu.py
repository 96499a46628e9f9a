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


def test_an_h100_with_a_driver_from_before_hopper() -> None:
    """README.md of NVIDIA's open modules: no Hopper up to 515.105.01, H100 in 520.56.06."""
    hopper = healthy.h100_node()
    ill = hopper.replace(driver=driver.not_loaded("470.256.02"), gpu=gpu.not_loaded(hopper.gpu))
    assert "520" in finding(ill, "driver-too-old-for-gpu").title
    well = hopper.replace(driver=driver.not_loaded("535.183.01"), gpu=gpu.not_loaded(hopper.gpu))
    assert "driver-too-old-for-gpu" not in causes(well)
