"""The machine that an image is for: described, a snapshot's, or as the image's own label says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gpudoctor.advice.hypothesis import machines
from gpudoctor.advice.question import Question, read
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.report.model import machine_line

#: The label in which `image plan` writes what an image is for.
LABEL = "org.gpudoctor.plan"


class Target(Record):
    """`gpus` as named, `driver` as given ("" where nobody said), `said_by` "--gpu", "--snapshot FILE", or the label."""

    gpus: tuple[str, ...]
    driver: str
    said_by: str


class Aim(Record):
    """`machines`: those that fit what was said; more than one where only a branch of the driver was."""

    target: Target
    machines: tuple[Machine, ...]


def aim(given: Mapping[str, Any], snapshot: str, labels: Mapping[str, str]) -> Aim | None:
    """None where nobody says what the image is for. Raises GpudoctorError for unknown names, an unreadable snapshot."""
    said = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items() if v}
    if snapshot:
        if said:
            raise GpudoctorError("--snapshot is a machine, and so is --gpu or --driver: name one of them")
        return _of_snapshot(snapshot)
    if said:
        return _described(said, "the command line")
    label = labels.get(LABEL, "")
    return _of_label(label) if label else None


def _described(said: Mapping[str, Any], by: str) -> Aim:
    asked: Question = read(said)
    target = Target(tuple(c.name for c in asked.cards), asked.driver, by)
    return Aim(target, tuple(machines(asked)))


def _of_snapshot(path: str) -> Aim:
    from gpudoctor.workflows.snapshot import read_snapshot

    machine = read_snapshot(path).machine
    line = machine_line(machine)
    if not line.gpus and not line.driver:
        raise GpudoctorError(
            f"the machine of {path} shows neither a GPU nor a driver",
            context="--snapshot",
            note="nothing was judged",
            hint="describe the target with --gpu and --driver",
        )
    return Aim(Target(tuple(g.name for g in line.gpus), line.driver, f"--snapshot {path}"), (machine,))


def _of_label(text: str) -> Aim | None:
    """A label that is not ours, or of a later shape, says nothing."""
    try:
        plan = json.loads(text)
        said = {"gpu": [str(g) for g in plan.get("gpus", ())], "driver": str(plan.get("driver", ""))}
        return _described({k: v for k, v in said.items() if v}, f"the image's label {LABEL}")
    except (ValueError, AttributeError, TypeError, GpudoctorError):
        return None


def onto(image: Machine, target: Machine) -> Machine:
    """The container as it would be: the image's files, the target's GPU and driver."""
    driver = target.driver.replace(libraries=image.driver.libraries)
    return image.replace(gpu=target.gpu, driver=driver, host=image.host.replace(wsl=target.host.wsl))


def requirements(machine: Machine) -> Mapping[str, str]:
    config = value_of(machine.image.config, None)
    env: Mapping[str, str] = config.env if config else {}
    return {k: v for k, v in env.items() if k.startswith("NVIDIA_REQUIRE_")}


def known_gpu(target: Target | None) -> bool:
    return target is not None and bool(target.gpus)
