"""There is no room in shared memory

What it is: Worker processes hand their data over in /dev/shm, and it is full or too small: a container has 64
MB of it unless told otherwise.

Why it hurts: Data loaders and NCCL die with bus errors or hang, mostly not at once but when the first large
batch comes.

How to tell: `df -h /dev/shm`; a Bus error (SIGBUS) of a loader's worker, or "No space left on device" for a
file of /dev/shm.

How to fix: Give the container more (`docker run --shm-size=8g`, or --ipc=host; in Kubernetes an emptyDir of
medium Memory at /dev/shm), remove files that dead programs left there, or set num_workers=0.

Sources: https://docs.docker.com/reference/cli/docker/container/run/
https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html
https://github.com/pytorch/pytorch/issues/5040
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, of_illness, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, of_illness("shared-memory")):
        yield Problem(
            f"{where(trial)} finds no room in shared memory ({names(phases)})",
            software(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "Make room in /dev/shm, or give the container more of it",
                ("df -h /dev/shm", "docker run --shm-size=8g ..."),
            ),
        )
