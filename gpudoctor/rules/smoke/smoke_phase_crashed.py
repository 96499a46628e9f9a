"""The framework's process dies

What it is: A signal killed the process in the midst of a phase (a segmentation fault, an abort, an illegal
instruction), or it ended by itself without a word.

Why it hurts: Training jobs die the same way, without a Python traceback.

How to tell: The report names the phase and the signal; the end of the output has the Python line
(faulthandler). SIGILL: a CPU without the instructions that the wheel was built for. SIGKILL: mostly the
kernel's out-of-memory killer. SIGBUS: mostly a full /dev/shm.

How to fix: Mixed libraries are the usual reason: LD_LIBRARY_PATH or LD_PRELOAD with another CUDA or cuDNN,
wheels of pip and conda in one environment. Unset them, and install into a fresh environment.

Sources: https://docs.python.org/3/library/faulthandler.html
https://docs.pytorch.org/docs/stable/notes/faq.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, lambda p: p.state == "crashed" and p.name != "import"):
        tail = "\n".join(trial.output.splitlines()[-8:])
        yield Problem(
            f"{where(trial)}: the process died in {names(phases)} ({phases[0].message})",
            software(trial),
            evidence=(
                *evidence(trial, phases),
                *([Evidence("its last words", tail, "the child's output")] if tail else []),
            ),
            fix=Fix(
                "Try it without libraries from elsewhere",
                (
                    "env -u LD_LIBRARY_PATH -u LD_PRELOAD gpudoctor smoke "
                    f"--python {trial.interpreter} --framework {trial.framework}",
                    "dmesg | tail",
                ),
            ),
        )
