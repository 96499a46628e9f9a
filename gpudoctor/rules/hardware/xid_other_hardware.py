"""The kernel logged a hardware fault of the GPU

What it is: An Xid whose class in NVIDIA's catalogue is the hardware: memory, internal buses, the micro-controllers or the board. The common ones have a page of their own; this is for all others.

Why it hurts: Programs on this GPU fail, and will again until the fault is gone.

How to tell: The number after "Xid" in the kernel log, looked up in NVIDIA's catalogue.

How to fix: Do what the catalogue says for this number (the finding quotes it); usually reset the GPU or reboot, and return the card when it comes back.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Problem
from gpudoctor.rules.xids import others


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    yield from others(host, gpu, "hardware")
