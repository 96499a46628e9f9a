"""The firmware gave the GPU no address space

What it is: A GPU asks the machine for windows in its address space (BARs), some of them larger than 4 GiB. The BIOS, or the host of a virtual
machine, gave it none for one of them.

Why it hurts: The driver can't reach the GPU's memory and refuses to initialise it; nvidia-smi finds no device.

How to tell: A memory BAR of the GPU on the bus has a size and no address, or the kernel says "BAR ... is 0M" or "can't assign". (A
GPU's small I/O window without an address is harmless.)

How to fix: Switch on "Above 4G decoding" (and Resizable BAR, where offered) in the BIOS, update the BIOS, or boot with
`pci=realloc`. In a virtual machine enlarge its 64-bit MMIO window.

Sources: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/862
https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import nvidia_gpus
from gpudoctor.rules.witnesses import by_device, log_lines, subject_at, via_log
from gpudoctor.signature import Signature

explains = ("gpu-init-failed", "gpu-missing-in-nvml", "gpu-lost-in-cuda", "driver-not-answering")

signatures: tuple[Signature | str, ...] = (
    Signature(r"NVRM: BAR\d is 0M @ 0x0", 0.9),
    # A kernel says it on the way, too, and finds another place: where the GPU came up, it is no fault.
    Signature(
        r"BAR \d:? (?:no space for|failed to assign|can't assign)",
        0.6,
        needs=(r"nvidia|NVRM|10de",),
        unless=(r"Initialized nvidia-drm",),
    ),
)


#: Smaller windows are I/O ports (128 bytes); the driver does without them. The sixth BAR is the last of a function,
#: what follows belongs to its virtual functions. BAR 1 is the window to the memory, which every GPU has: a kernel
#: that could not place it may show it empty.
SMALLEST, LAST, MEMORY = 1 << 20, 5, 1


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    # "can't assign" is said of any device, and may be mended a line later; NVRM speaks of GPUs only, and at the end.
    logged = by_device(
        gpu, [e for e in value_of(host.kernel_log, ()) if e.kind == "bar" and "NVRM" in e.text]
    )
    lines = {subject.name: (subject, found) for subject, found in logged}
    on_bus = nvidia_gpus(gpu)
    if not on_bus and not lines:
        raise DoesNotApply("no NVIDIA GPU on the PCI bus")
    for one in on_bus:
        subject = subject_at(gpu, one.address)
        unassigned = _unassigned(one)
        _, found = lines.pop(subject.name, (subject, ()))
        if isinstance(one.bars, Unknown) and not found:
            yield CouldNotTell(f"{subject.label}: BARs: {one.bars.reason}", one.bars.would_help, subject)
        elif unassigned or found:
            yield _problem(subject, unassigned, log_lines(found, via_log(host)))
    for subject, found in lines.values():
        yield _problem(subject, (), log_lines(found, via_log(host)))


def _unassigned(one: PciDevice) -> tuple[Evidence, ...]:
    empty = [b for b in value_of(one.bars, ()) if not b.assigned and b.index <= LAST]
    missing = [b for b in empty if b.size >= SMALLEST or (b.index == MEMORY and not b.size)]
    via = getattr(one.bars, "via", "")
    return tuple(
        Evidence(f"BAR {b.index}", f"{b.size >> 20} MiB, no address" if b.size else "empty", via)
        for b in missing
    )


def _problem(subject: Subject, bars: tuple[Evidence, ...], lines: tuple[Evidence, ...]) -> Problem:
    which = f"{len(bars)} of its windows" if bars else "one of its windows"
    return Problem(
        f"{subject.label} has no address for {which} (BAR)",
        subject,
        "failure",
        (*bars, *lines),
        fix=Fix(
            "Switch on Above 4G decoding in the BIOS and update it; in a virtual machine enlarge the MMIO window"
        ),
    )
