"""nvcc cannot compile a three-line kernel

What it is: `check --build` gave the selected nvcc the smallest CUDA program there is, and it did not come out.

Why it hurts: Nothing that needs nvcc can be built on this machine.

How to tell: What nvcc printed is in the evidence. Where the reason is known (the host compiler, the GPU, missing parts) that
cause is named, and this one is only its consequence.

How to fix: By what nvcc printed; `gpudoctor diagnose` reads it.

Sources: https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import running, toolkit_subject


def check(cuda: Cuda) -> Iterator[Problem]:
    compiled = need(cuda.compiled, "test kernel (--build compiles one)")
    if compiled.ok:
        return
    lines = [line.strip() for line in compiled.output.splitlines() if line.strip()]
    # nvcc's last words are often "1 error detected"; the first line with the word is what matters.
    said = next(
        (line for line in lines if "error" in line or "fatal" in line), lines[0] if lines else "no message"
    )
    yield Problem(
        f"nvcc cannot compile a test kernel: {said[:160]}",
        _subject(cuda),
        evidence=(
            Evidence("command", compiled.command, "--build"),
            *(Evidence("nvcc", line[:300], compiled.command) for line in lines[:6]),
        ),
        fix=Fix("Mend what nvcc complains about, then run this again", ("gpudoctor check --build",)),
    )


def _subject(cuda: Cuda) -> Subject:
    """The toolkit whose nvcc ran, so that what is said of that toolkit can explain this."""
    try:
        return toolkit_subject(running(cuda)[1])
    except DoesNotApply:
        return MACHINE
