"""The kernel logged an error of a program on the GPU

What it is: An Xid whose class in NVIDIA's catalogue is the program, and that has no page of its own. (Xid 45 is none: there the driver only tidied up.)

Why it hurts: That program failed; the GPU itself goes on working for others.

How to tell: The number after "Xid" in the kernel log, looked up in NVIDIA's catalogue.

How to fix: Look for the fault in the program first, with compute-sanitizer or CUDA_LAUNCH_BLOCKING=1.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Problem
from gpudoctor.rules.xids import others


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    yield from others(host, gpu, "application")
