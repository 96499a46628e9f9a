"""There was too little memory for a small model

What it is: An allocation was refused while a model of some hundred kilobytes was trained: of the GPU's memory,
or of the machine's.

Why it hurts: What does not fit here will not fit anywhere: larger jobs fail at once.

How to tell: The framework's message in the report; NVML's used memory and its processes; `ulimit -v`, a
container's or job's memory limit, and `free -h` for the machine's.

How to fix: Stop what holds the GPU's memory (a forgotten notebook), or choose another GPU with --gpus. For the
machine's memory: raise the limit of the container or job, and leave `ulimit -v` unlimited: CUDA reserves far
more addresses than it uses.

Sources: https://docs.pytorch.org/docs/stable/notes/faq.html
https://docs.docker.com/engine/containers/resource_constraints/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, of_illness, software, where

explains = ("smoke-import-failed", "smoke-phase-failed")


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, of_illness("memory")):
        yield Problem(
            f"{where(trial)} ran out of memory ({names(phases)})",
            software(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "See who holds the memory, and which limits hold", ("nvidia-smi", "free -h", "ulimit -v")
            ),
        )
