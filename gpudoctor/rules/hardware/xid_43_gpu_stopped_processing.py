"""The GPU stopped the work of a program

What it is: The GPU met an error in a program's work and took its channel down (Xid 43). It says nothing of the hardware's health.

Why it hurts: That program's CUDA calls fail from then on; it must be started again. Others go on.

How to tell: Xid 43 in the kernel log. The line before it often names the reason (Xid 13 or 31).

How to fix: Start the program again; if it fails again at the same place, debug it with `compute-sanitizer`.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.witnesses import by_device, codes_of, log, log_lines, via_log, xids
from gpudoctor.signature import Signature, exported_xid

signatures: tuple[Signature | str, ...] = (
    Signature(r"Xid .{0,30}\): (?:43|45)\b", 0.7),
    Signature(r"Xid:? ?(?:43|45)\b", 0.65),
    Signature(exported_xid(43, 45), 0.66),
)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    for subject, lines in by_device(gpu, xids(log(host, gpu), (43,))):
        yield Problem(
            f"{subject.label} stopped the work of a program: {codes_of(lines)}",
            subject,
            "note",
            log_lines(lines, via_log(host)),
            fix=Fix(
                "Start the program again; if it fails at the same place, debug it with compute-sanitizer"
            ),
        )
