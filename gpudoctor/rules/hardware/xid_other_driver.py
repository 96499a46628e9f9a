"""The kernel logged a fault of the driver

What it is: An Xid whose class in NVIDIA's catalogue is the driver or the firmware that it loads.

Why it hurts: The program that was running failed, and the GPU may need a reset.

How to tell: The number after "Xid" in the kernel log, looked up in NVIDIA's catalogue.

How to fix: Reset the GPU or reboot, and update the driver; report it to NVIDIA with nvidia-bug-report.sh when the newest driver does it too.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Problem
from gpudoctor.rules.xids import others


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    yield from others(host, gpu, "driver")
