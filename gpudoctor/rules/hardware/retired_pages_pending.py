"""Memory pages of the GPU wait to be retired

What it is: On GPUs before Ampere the driver takes a bad page of memory out of use. The page has been marked, and is left
out only when the driver is loaded again.

Why it hurts: Until then programs can be given the bad page, and fail with an uncorrectable error.

How to tell: NVML's "retired pages pending" is yes for the device.

How to fix: Stop what runs on the GPU and reset it, or reboot.

Sources: https://docs.nvidia.com/deploy/dynamic-page-retirement/visibility.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.witnesses import each, reset_command
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"Pending Page Blacklist : Yes", 0.9),
    Signature(
        r"Pending (?:Page )?Retirement : Yes|Retired Pages\n(?:.{1,60}\n){0,4}Pending.{0,20}: Yes",
        0.85,
        needs=(r"Pending",),
    ),
)


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.retired_pages_pending, "retired pages")
    yield from untold
    for one, pending in told:
        if pending:
            yield Problem(
                f"{one.subject.label} has memory pages that are retired only at its next reset",
                one.subject,
                "warning",
                (Evidence("retired pages pending", "yes", "NVML"),),
                fix=Fix("Stop what runs on this GPU and reset it, or reboot", (reset_command(one.subject),)),
            )
