"""CUDA_VISIBLE_DEVICES hides every GPU

What it is: The variable lists the GPUs that CUDA may show to a program. Here it is empty, or begins with an entry that no
GPU has (-1, an index beyond the last, an unknown UUID): then none is shown.

Why it hurts: Frameworks say "No CUDA GPUs are available" or run on the CPU without a word, while nvidia-smi shows all GPUs.

How to tell: libcuda shows no device with the variable and some without it; where libcuda cannot be asked, the variable's value against
the GPUs that NVML or the bus show. An unset variable hides nothing; an empty one hides all.

How to fix: Unset the variable or name a GPU that is there, and change the file that sets it. Programs and IDEs set it for
themselves too: then it is their configuration.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
https://github.com/pytorch/pytorch/issues/63226
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import MACHINE, CannotLook, Fix, Problem
from gpudoctor.rules.masks import NAME, commands, evidence_of, mask, total, visible

explains = ("driver-not-answering", "gpu-lost-in-cuda")


def check(environment: Environment, gpu: Gpu) -> Iterator[Problem]:
    found = mask(environment, gpu)
    shown, there = visible(gpu), total(gpu)
    if there == 0:
        return
    if (shown is not None and shown > 0) or (shown is None and found.visible > 0):
        return
    if found.visible > 0 and (found.known or "MIG" in found.variable.value.upper()):
        # Its entries are there: what hides the devices is something else.
        return
    if found.visible > 0:
        raise CannotLook("which GPUs there are is not known, so the list cannot be compared")
    why = f"no GPU is {found.bad!r}" if found.bad else "it is empty"
    several = f" all {there} GPUs" if there and there > 1 else " the GPU"
    yield Problem(
        f"{NAME}={found.variable.value or chr(34) * 2} hides{several}: {why}",
        MACHINE,
        "failure",
        evidence_of(found, gpu),
        fix=Fix("Unset the variable, or name a GPU that is there", commands(found)),
    )
