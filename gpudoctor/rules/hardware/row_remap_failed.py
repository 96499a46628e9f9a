"""The GPU could not replace a bad row of its memory

What it is: A row of the GPU's memory went bad and the driver found no spare row to take its place (or a page could not
be retired, on older GPUs).

Why it hurts: The bad memory stays in use. Programs on this GPU will fail with uncorrectable errors again and again, and no
reset mends it.

How to tell: NVML's row remapping failure flag is set, or the kernel logged Xid 64. A pending row (Xid 63) is another matter: it
is replaced at the next reset.

How to fix: Take the GPU out of service and return it to its maker; NVIDIA's policy names this flag as a reason to replace the
card, after its field diagnostics have confirmed it.

Sources: https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/error-recovery-and-response-flags.html
https://docs.nvidia.com/deploy/dynamic-page-retirement/visibility.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.witnesses import by_device, each, log_lines, log_unless, via_log, xids
from gpudoctor.signature import Signature

explains = ("ecc-uncorrectable", "retired-pages-pending")

signatures: tuple[Signature | str, ...] = (
    Signature(r"Remapping Failure Occurred : Yes", 0.92),
    Signature(r"Row Remapper: .{0,60}(?:failed|failure)", 0.85),
)


CODE = 64


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    lines = xids(value_of(host.kernel_log, ()), (CODE,))
    logged = {subject.name: (subject, found) for subject, found in by_device(gpu, lines)}
    flagged: dict[str, Subject] = {}
    try:
        told, untold = each(gpu, lambda one: one.remapped_rows, "row remapping")
        flagged = {one.subject.name: one.subject for one, rows in told if rows.failed}
        yield from untold
    except (CannotLook, DoesNotApply):
        # Without NVML's flag (older GPUs have none) the log alone decides, if it can be read.
        log_unless(host, gpu, _nothing_to_replace(gpu))
    for name in {**flagged, **logged}:
        subject = flagged.get(name) or logged[name][0]
        found = logged.get(name, (subject, ()))[1]
        flag = (Evidence("row remapping failed", "yes", "NVML"),) if name in flagged else ()
        yield Problem(
            f"{subject.label} could not replace a bad row of its memory",
            subject,
            "failure",
            (*flag, *log_lines(found, via_log(host))),
            fix=Fix("Take this GPU out of service and have it replaced; a reset does not mend it"),
        )


def _nothing_to_replace(gpu: Gpu) -> str:
    """Boards without ECC replace neither rows nor pages, and say so."""
    nvml = value_of(gpu.nvml, None)
    fields = [(one.remapped_rows, one.retired_pages_pending) for one in nvml.devices] if nvml else []
    if fields and all(isinstance(field, Absent) for pair in fields for field in pair):
        return "no GPU here replaces rows or pages of its memory"
    return ""
