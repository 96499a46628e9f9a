"""A process that uses the GPU can't be ended

What it is: The training process outlived SIGKILL: it sleeps in the kernel without being interruptible, mostly
in the GPU's driver, or it belongs to another user.

Why it hurts: It keeps the GPU and its memory until the machine is rebooted; everything else that touches the
GPU may hang behind it.

How to tell: The state D in `ps -o pid,stat,wchan`; the function that it sleeps in is in the evidence where the
kernel tells it.

How to fix: Look for Xid lines and "task blocked for more than 120 seconds" in the kernel log. Mostly only a
reboot helps; take the node out of the scheduler first.

Sources: https://docs.nvidia.com/deploy/xid-errors/index.html
https://www.kernel.org/doc/html/latest/admin-guide/sysctl/kernel.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.smoke._trials import software, trials, where

explains = ("smoke-phase-hung",)


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial in trials(smoke):
        if trial.verdict != "unkillable":
            continue
        yield Problem(
            f"{where(trial)}: the process can't be ended",
            software(trial),
            evidence=(
                Evidence("what happened", trial.why),
                Evidence("where it sleeps", "\n".join(trial.output.splitlines()[-6:]), "/proc/PID"),
            ),
            fix=Fix("Drain the machine and reboot it", ("dmesg | tail -50", "sudo reboot")),
        )
