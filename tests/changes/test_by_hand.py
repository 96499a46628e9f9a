"""What only a person can do comes with exact commands for this distribution and these GPUs, and is never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.facts.machine import Machine
from gpudoctor.fixes.see import See
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root
from gpudoctor.workflows.fix import Item, _planned
from tests import judged
from tests.causes.driver.test_driver_too_old_for_runtime import with_torch
from tests.machines import healthy
from tests.machines.parts import cuda, gpu


def item(machine: Machine, cause: str, see: See | None = None) -> Item:
    return _planned(judged.finding(machine, cause), machine, see or See(Live(), None))


@pytest.mark.parametrize(
    ("machine", "cause"),
    [
        (with_torch("13.0", "535.183.01", "12.2"), "driver-too-old-for-runtime"),
        (cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("13.0")), "toolkit-newer-than-driver"),
    ],
    ids=["driver-too-old", "toolkit-newer"],
)
def test_a_newer_driver_as_plan_driver_says_for_ubuntu(machine: Machine, cause: str) -> None:
    found = item(machine, cause)
    assert (found.state, found.plan) == ("manual", None) and "plan driver" in found.why
    assert any("ubuntu2204" in line for line in found.manual), found.manual
    assert any(line.startswith("sudo apt-get install") and "nvidia" in line for line in found.manual)
    assert "sudo reboot" in found.manual


def test_a_gpu_whose_last_branch_runs_already_gets_no_command_that_would_not_help() -> None:
    """Kepler ended with branch 470, which knows CUDA 11.4."""
    kepler = gpu.answering(1, "Tesla K80", "3.7", 0x102D, 12 << 30, True, "470.256.02", "11.4")
    machine = with_torch("12.4", "470.256.02", "11.4").replace(gpu=kepler)
    assert item(machine, "driver-too-old-for-runtime").manual == ()


def test_of_another_root_nothing_is_said_that_is_this_machines(tmp_path: Path) -> None:
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("13.0"))
    assert item(machine, "toolkit-newer-than-driver", See(Root(str(tmp_path)), None)).manual == ()
