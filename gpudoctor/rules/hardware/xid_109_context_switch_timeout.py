"""A program would not let go of the GPU in time

What it is: The GPU had to switch from one program to another and the one that ran did not stop in time (Xid 109).

Why it hurts: The driver ends the program that hangs; others on the same GPU stall meanwhile. On a desktop the screen freezes.

How to tell: Xid 109 in the kernel log. Xid 119 or 79 beside it makes that the cause.

How to fix: Start the program again; if it is always the same one, debug it. If any program does it, update the driver.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.witnesses import by_device, codes_of, log, log_lines, via_log, xids
from gpudoctor.signature import Signature, exported_xid

explains = ("xid-43-gpu-stopped-processing",)

signatures: tuple[Signature | str, ...] = (
    Signature(r"Xid .{0,30}\): 109\b", 0.92),
    Signature(r"CTX SWITCH TIMEOUT", 0.85),
    Signature(exported_xid(109), 0.9),
)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    for subject, lines in by_device(gpu, xids(log(host, gpu), (109,))):
        yield Problem(
            f"A program did not let go of {subject.label} in time: {codes_of(lines)}",
            subject,
            "warning",
            log_lines(lines, via_log(host)),
            fix=Fix("Start the program again; if any program does it, update the driver"),
        )
