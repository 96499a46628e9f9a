"""CUDA_VISIBLE_DEVICES names a GPU that is not there

What it is: The list holds an entry that no GPU has. CUDA takes the entries before it and ignores everything from there on, without
a word.

Why it hurts: A program sees fewer GPUs than the list names; several processes meet on the first ones, and others stay
idle. A framework that asks for the missing one fails with "invalid device ordinal".

How to tell: The list against the GPUs that the driver shows. When not a single entry counts, all GPUs are hidden, which has its
own page.

How to fix: Take the wrong entry out, or name it as `nvidia-smi -L` does.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import MACHINE, CannotLook, Fix, Problem
from gpudoctor.rules.masks import NAME, commands, evidence_of, mask, total
from gpudoctor.signature import Signature


def check(environment: Environment, gpu: Gpu) -> Iterator[Problem]:
    found = mask(environment, gpu)
    if not found.known:
        raise CannotLook("which GPUs there are is not known, so the list cannot be compared")
    # "-1" is how a list is ended on purpose.
    if not found.bad or not found.visible or found.bad == "-1":
        return
    good = ",".join(found.entries[: found.visible])
    lost = len(found.entries) - found.visible
    yield Problem(
        f"{NAME} names {found.bad!r}, which none of the {total(gpu)} GPUs is: it and what follows is ignored ({lost} of {len(found.entries)} entries)",
        MACHINE,
        "warning",
        evidence_of(found, gpu),
        fix=Fix("Name only GPUs that are there (see nvidia-smi -L)", commands(found, good)),
    )


explains = ("smoke-ran-on-cpu",)

signatures: tuple[Signature | str, ...] = (
    # libnvidia-container.
    Signature(r"nvidia-container-cli: device error: .{0,80}unknown device", 0.88, unless=(r"MIG",)),
)
