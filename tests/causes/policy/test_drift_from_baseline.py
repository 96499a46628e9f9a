"""drift-from-baseline: another driver than yesterday's, and the same machine a degree warmer."""

from __future__ import annotations

import json
from pathlib import Path

from gpudoctor.facts.machine import Expectation, Machine
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.workflows.preflight import drift
from gpudoctor.workflows.snapshot import take
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver


def saved(folder: Path, machine: Machine, redact: bool = True) -> str:
    path = folder / "node.json"
    path.write_text(json.dumps(take(machine, redact)))
    return str(path)


def compared(folder: Path, before: Machine, now: Machine, redact: bool = True) -> Machine:
    baseline = saved(folder, before, redact)
    return now.replace(expectation=Expectation(baseline="node.json", drift=drift(baseline, now)))


def test_another_driver_is_drift(tmp_path: Path) -> None:
    node = healthy.h100_node()
    yesterday = node.replace(driver=driver.installed("550.54.14", gpus=8))
    machine = compared(tmp_path, yesterday, node)
    assert causes(machine) == {"drift-from-baseline"}
    values = [e.value for e in finding(machine, "drift-from-baseline").evidence]
    assert "550.54.14 -> 550.163.01" in values


def test_a_warmer_gpu_and_an_unknown_answer_are_not(tmp_path: Path) -> None:
    node = healthy.h100_node()
    nvml = value_of(node.gpu.nvml, None)
    assert nvml is not None
    warm = nvml.devices[0].replace(temperature=Known(70, "nvml"), vbios=Unknown("GPU is lost"))
    now = node.replace(
        gpu=node.gpu.replace(nvml=Known(nvml.replace(devices=(warm, *nvml.devices[1:])), "nvml"))
    )
    assert causes(compared(tmp_path, node, now)) == set()


def test_a_gpu_less_is_drift(tmp_path: Path) -> None:
    node = healthy.h100_node()
    nvml = value_of(node.gpu.nvml, None)
    assert nvml is not None
    now = node.replace(gpu=node.gpu.replace(nvml=Known(nvml.replace(devices=nvml.devices[:7]), "nvml")))
    found = drift(saved(tmp_path, node), now)
    assert [d.after for d in found] == [""] and found[0].where.startswith("gpu.nvml.devices[")


def test_another_board_in_the_same_slot_is_seen_by_a_baseline_that_is_not_redacted(tmp_path: Path) -> None:
    node = healthy.h100_node()
    nvml = value_of(node.gpu.nvml, None)
    assert nvml is not None
    other = nvml.devices[0].replace(uuid=Known("GPU-deadbeef-0000-4000-8000-000000000001", "nvml"))
    now = node.replace(
        gpu=node.gpu.replace(nvml=Known(nvml.replace(devices=(other, *nvml.devices[1:])), "nvml"))
    )
    assert drift(saved(tmp_path, node, redact=False), now) != ()
    assert drift(saved(tmp_path, node, redact=True), now) == ()
