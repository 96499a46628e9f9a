"""visible-devices-hidden: no GPU is left to see."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import gpu, ill


def masked(value: str, shown: int, set_by: str = "") -> Machine:
    """The node's libcuda under that mask. With nothing to show cuInit answers 100 (CUDA_ERROR_NO_DEVICE)."""
    machine = ill.with_variable(healthy.h100_node(), "CUDA_VISIBLE_DEVICES", value, set_by)
    cuda = machine.gpu.cuda.value
    answer = cuda.replace(devices=cuda.devices[:shown])
    if not shown:
        answer = answer.replace(state="failed", code=100, name="CUDA_ERROR_NO_DEVICE")
    return machine.replace(gpu=machine.gpu.replace(cuda=Known(answer, "libcuda")))


@pytest.mark.parametrize("value", ["", "-1", "8", "GPU-ffffffff", "none", "-1,0,1"])
def test_a_list_that_begins_with_nothing_hides_all(value: str) -> None:
    machine = masked(value, 0)
    assert "visible-devices-hidden" in causes(machine)
    found = finding(machine, "visible-devices-hidden")
    assert found.severity == "failure" and "all 8 GPUs" in found.title


def test_the_file_that_sets_it_is_part_of_the_fix() -> None:
    found = finding(masked("", 0, "/home/u/.bashrc:12"), "visible-devices-hidden")
    assert found.fix is not None
    assert (
        found.fix.commands[0] == "unset CUDA_VISIBLE_DEVICES"
        and "+12 /home/u/.bashrc" in found.fix.commands[1]
    )
    assert any(e.what == "set by" and e.value == "/home/u/.bashrc:12" for e in found.evidence)


@pytest.mark.parametrize(
    ("value", "shown"), [("0", 1), ("7", 1), ("3,1", 2), (gpu.uuid(4), 1), ("GPU-00000000-0000", 1)]
)
def test_choosing_some_hides_nothing_wrongly(value: str, shown: int) -> None:
    assert "visible-devices-hidden" not in causes(masked(value, shown))


def test_not_setting_it_hides_nothing() -> None:
    machine = healthy.h100_node()
    assert causes(machine) == set()
    assert any(n.id == "visible-devices-hidden" for n in judgement(machine).not_applicable)


def test_without_libcuda_the_value_itself_is_judged() -> None:
    machine = masked("-1", 0)
    machine = machine.replace(gpu=machine.gpu.replace(cuda=Absent("libcuda.so.1")))
    assert finding(machine, "visible-devices-hidden").severity == "failure"


def test_without_libcuda_a_right_value_is_right() -> None:
    machine = masked("0", 1)
    machine = machine.replace(gpu=machine.gpu.replace(cuda=Absent("libcuda.so.1")))
    assert "visible-devices-hidden" not in causes(machine)


def test_devices_that_are_there_and_not_shown_are_hidden_by_something_else() -> None:
    assert "visible-devices-hidden" not in causes(masked("0,1", 0))


def test_an_environment_that_is_not_known_is_not_passed() -> None:
    machine = healthy.h100_node()
    machine = machine.replace(environment=machine.environment.replace(variables=Unknown("another root")))
    assert "visible-devices-hidden" not in judgement(machine).passed
