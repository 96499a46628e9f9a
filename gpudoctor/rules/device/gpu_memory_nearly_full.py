"""The GPU's memory is nearly full already

What it is: Programs that run now hold more than nine tenths of this GPU's memory.

Why it hurts: What you start next will most likely end with "CUDA out of memory".

How to tell: NVML's used memory against the total, and the processes that it lists. In a container the list is empty: the processes are
numbered in another namespace.

Memory that the processes listed hold is a GPU at work: a note. Where nobody is seen to hold it, it is a warning.

How to fix: Wait, stop a process that was forgotten (notebooks keep memory until their kernel ends), or choose another GPU.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
https://github.com/NVIDIA/nvidia-docker/issues/179
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, Process
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.witnesses import each

#: Share of the memory above which a new program is told beforehand.
FULL = 0.9
#: Share of what is used that processes account for, where nothing of it is a riddle. (The driver itself holds some.)
MOSTLY = 0.8


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.memory_used, "used memory")
    yield from untold
    for one, used in told:
        total = value_of(one.nvml.memory_total, 0) if one.nvml else 0
        if not total or used <= FULL * total or one.nvml is None:
            continue
        holders = sorted(value_of(one.nvml.processes, ()), key=lambda p: -p.memory)
        yield Problem(
            f"{one.subject.label}: {used / 2**30:.1f} of {total / 2**30:.1f} GiB are taken"
            + (f", most by {_name(holders[0])}" if holders else ""),
            one.subject,
            "note" if _told_for(used, holders) else "warning",
            (
                Evidence("memory in use", f"{used} of {total} bytes", "NVML"),
                *(Evidence("holds memory", _name(p), "NVML") for p in holders[:5]),
            ),
            fix=Fix("Stop a process that was forgotten, or choose another GPU", ("nvidia-smi",)),
        )


def _told_for(used: int, holders: list[Process]) -> bool:
    """The processes that are listed hold (nearly) all of it: a GPU at work, as a model that is served."""
    return sum(p.memory for p in holders if p.memory > 0) >= MOSTLY * used


def _name(process: Process) -> str:
    size = f", {process.memory / 2**30:.1f} GiB" if process.memory >= 0 else ""
    return f"{process.name or 'a process'} (pid {process.pid}{size})"
