"""CUDA_VISIBLE_DEVICES taken apart as libcuda does: a list that ends before its first entry that no device has."""

from __future__ import annotations

import re

from gpudoctor.facts.environment import Environment, Variable
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, seen
from gpudoctor.rules.judging import devices, need, nvidia_gpus

NAME = "CUDA_VISIBLE_DEVICES"


class Mask(Record):
    """`entries` as written; `visible`: how many of them count before the list ends; `bad`: the entry that ends
    it, "" when none does. `known`: there were devices to compare names with."""

    variable: Variable
    entries: tuple[str, ...]
    visible: int
    bad: str
    known: bool


def mask(environment: Environment, gpu: Gpu) -> Mask:
    """Raises DoesNotApply when the variable is not set, CannotLook when the environment is not known."""
    variables = need(environment.variables, "environment")
    variable = next((v for v in variables if v.name == NAME), None)
    if variable is None:
        raise DoesNotApply(f"{NAME} is not set")
    value = variable.value.strip()
    entries = tuple(part.strip() for part in value.split(",")) if value else ()
    count, names = _there(gpu)
    visible = 0
    for entry in entries:
        if not _is_there(entry, count, names):
            return Mask(variable, entries, visible, entry, count is not None)
        visible += 1
    return Mask(variable, entries, visible, "", count is not None)


def total(gpu: Gpu) -> int | None:
    """How many GPUs there are without the mask: libcuda's word, else NVML's, else the bus's."""
    cuda, nvml = value_of(gpu.cuda, None), value_of(gpu.nvml, None)
    if cuda is not None and isinstance(cuda.devices_unmasked, Known):
        return cuda.devices_unmasked.value
    if nvml is not None and nvml.devices:
        return len(nvml.devices)
    try:
        return len(nvidia_gpus(gpu)) or None
    except CannotLook:
        return None


def visible(gpu: Gpu) -> int | None:
    """How many devices libcuda showed with the mask in force."""
    cuda = value_of(gpu.cuda, None)
    if cuda is None or cuda.state not in ("answered", "failed") or cuda.code not in (0, 100):
        return None  # 100 is "no device": libcuda looked and shows none
    return len(cuda.devices)


def evidence_of(found: Mask, gpu: Gpu) -> tuple[Evidence, ...]:
    said = [Evidence(NAME, repr(found.variable.value), "environment")]
    if isinstance(found.variable.set_by, Known):
        said.append(seen("set by", found.variable.set_by))
    shown, there = visible(gpu), total(gpu)
    if shown is not None:
        said.append(Evidence("devices that libcuda shows", str(shown), "libcuda"))
    if there is not None:
        said.append(Evidence("devices without the variable", str(there), "libcuda, NVML or the bus"))
    return tuple(said)


def commands(found: Mask, value: str = "") -> tuple[str, ...]:
    """Set it right in this shell, and where it is set for good."""
    here = f"export {NAME}={value}" if value else f"unset {NAME}"
    where = found.variable.set_by
    return (here, f"${{EDITOR:-vi}} {_place(where.value)}") if isinstance(where, Known) else (here,)


def _place(set_by: str) -> str:
    """ "/home/u/.bashrc:12" as an editor takes it: "+12 /home/u/.bashrc"."""
    path, _, line = set_by.rpartition(":")
    return f"+{line} {path}" if path and line.isdigit() else set_by


def _there(gpu: Gpu) -> tuple[int | None, tuple[str, ...]]:
    """How many devices an index may name, and the UUIDs of devices and MIG instances."""
    names: list[str] = []
    for one in devices(gpu):
        if one.nvml is not None:
            names += [value_of(one.nvml.uuid, "")]
            names += [instance.uuid for instance in value_of(one.nvml.mig_instances, ())]
        else:
            names.append(one.subject.name)
    return total(gpu), tuple(name for name in names if name)


def _is_there(entry: str, count: int | None, names: tuple[str, ...]) -> bool:
    if re.fullmatch(r"\d+", entry):
        return count is None or int(entry) < count
    if entry.upper().startswith(("GPU-", "MIG-")):
        # An abbreviated UUID will do; the older MIG-GPU-<uuid>/<gi>/<ci> is not compared, libcuda's count tells.
        older = "/" in entry
        return older or not names or any(name.lower().startswith(entry.lower()) for name in names)
    return False
