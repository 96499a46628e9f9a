"""An NVLink between GPUs had an error

What it is: The connection from this GPU to another, or to an NVSwitch, reported an error that it could not recover from (Xid 74).

Why it hurts: Work that uses several GPUs fails or hangs; the link may stay down until the GPUs are reset.

How to tell: Xid 74 in the kernel log with the GPU's address and the link. The same link again and again points to the GPU, the
bridge or the board; an SXid beside it to the NVSwitch.

How to fix: Reset the GPUs that share the link, or reboot. If it comes back on the same link: seating of the GPU or of the NVLink
bridge, then the vendor.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.witnesses import by_device, codes_of, log_lines, log_unless, reset_command, via_log, xids
from gpudoctor.signature import Signature, exported_xid

explains = ("nvlink-inactive", "xid-43-gpu-stopped-processing", "xid-154-recovery-action")

signatures: tuple[Signature | str, ...] = (
    Signature(r"Xid .{0,30}\): 74\b", 0.92),
    Signature(r"Xid:? ?74\b", 0.85),
    Signature(exported_xid(74), 0.88),
)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    for subject, lines in by_device(gpu, xids(log_unless(host, gpu, _no_nvlink(gpu)), (74,))):
        yield Problem(
            f"An NVLink of {subject.label} had an error: {codes_of(lines)}",
            subject,
            "failure",
            log_lines(lines, via_log(host)),
            fix=Fix(
                "Reset the GPUs that share the link; if it comes back, seating and bridges",
                (reset_command(subject),),
            ),
        )


def _no_nvlink(gpu: Gpu) -> str:
    """Why there can be no such line: every GPU says that it has no NVLink. "" where one has, or does not say."""
    nvml = value_of(gpu.nvml, None)
    links = [one.nvlinks for one in nvml.devices] if nvml else []
    if links and all(
        isinstance(link, Absent) or (isinstance(link, Known) and not link.value) for link in links
    ):
        return "no GPU here has an NVLink"
    return ""
