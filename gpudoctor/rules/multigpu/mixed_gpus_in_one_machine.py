"""The GPUs of this machine are of different kinds

What it is: NVML lists GPUs of different names or compute capabilities.

Why it hurts: Not in itself. A build must have code for each of them, numbers may mean different cards in different tools, and work that is
spread evenly waits for the slowest.

How to tell: The names and compute capabilities of the devices. Everything else in this report is judged device by device.

How to fix: Nothing. Choose GPUs by UUID where it matters, and build for all compute capabilities that are there.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Problem
from gpudoctor.rules.judging import devices
from gpudoctor.rules.witnesses import answering


def check(gpu: Gpu) -> Iterator[Problem]:
    if len(answering(gpu).devices) < 2:
        raise DoesNotApply("only one GPU")
    kinds = {
        (one.name.value, value_of(one.compute_capability, "?"))
        for one in devices(gpu)
        if isinstance(one.name, Known)
    }
    if len(kinds) < 2:
        return
    said = ", ".join(f"{name} ({capability})" for name, capability in sorted(kinds))
    yield Problem(
        f"This machine has GPUs of {len(kinds)} kinds: {said}",
        MACHINE,
        "note",
        tuple(
            Evidence(one.subject.label, value_of(one.compute_capability, "?"), "NVML") for one in devices(gpu)
        ),
    )
