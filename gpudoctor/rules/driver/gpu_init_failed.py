"""The driver cannot initialise the GPU

What it is: The kernel module is loaded and has the GPU, but starting it failed: the GSP firmware is missing or did not
come up, the GPU is stuck in an old state, it lacks power or address space, or it is broken.

Why it hurts: nvidia-smi says "No devices were found", or leaves this GPU out.

How to tell: "RmInitAdapter failed!" or "Cannot initialize GSP firmware RM" in the kernel log for a GPU that NVML does not
list. The lines before tell the variant: "unexpected WPR2 already up" (the GPU kept its old state), "Direct firmware load
... failed" (no firmware file), "waiting for GFW_BOOT" (the GPU's own boot did not end).

How to fix: Switch the machine off completely (mains too) and on again; for a missing firmware install the firmware package
of the driver; check power plugs and seat; update BIOS and driver; if another GPU works in this slot, replace this one.

Sources: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/789
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1104
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/639
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/862
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import (
    described,
    events,
    gpus,
    in_memory,
    native_linux,
    not_for_guests,
    quoted,
    silent,
    subject_of,
)
from gpudoctor.rules.witnesses import withheld
from gpudoctor.signature import Signature

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "uvm-not-working",
    "device-node-missing-or-permission",
    "gpu-missing-in-nvml",
    "gpu-lost-in-cuda",
)

signatures: tuple[Signature | str, ...] = (
    # osinit.c, kernel_gsp.c of the open modules; the proprietary ones use the same words.
    Signature(r"RmInitAdapter failed", 0.93),
    Signature(r"rm_init_adapter failed", 0.9),
    Signature(r"Cannot initialize GSP firmware RM", 0.95),
    # nvidia-smi where the module is loaded and no GPU came up: the general case, when nothing says why.
    Signature(r"No devices were found", 0.45),
    Signature(r"unexpected WPR2 already up", 0.95),
    Signature(r"Direct firmware load for nvidia/\S{1,80} failed with error", 0.8),
    Signature(
        r"RmInitAdapter: Cannot initialize|nvidia: probe of \S+ failed with error",
        0.85,
        needs=(r"nvidia|NVRM",),
    ),
    Signature(r"This PCI I/O region assigned to your NVIDIA device is invalid", 0.8),
    Signature(
        r"NVRM: (?:kgspInitRm|_kgspBootGspRm|gpuHandleSanityCheck|kfspSendBootCommands|kfspPollForQueueEmpty|nvAssertFailed)\w*:? .{0,60}(?:fail|error|cannot|timeout)",
        0.6,
        unless=(r"fallen off the bus",),
    ),
    # Windows' device manager.
    Signature(r"\(Code 43\)", 0.7, needs=(r"nvidia|geforce|quadro",)),
    # The GPU opens with EIO, the boot firmware does not answer; nvidia-modeset and X.org say it their way.
    Signature(
        r"nvidia_frontend_open: minor \d+, module->open\(\) failed|failed to wait for GFW_BOOT|GPU firmware .{0,40}(?:failed|timed out)",
        0.85,
    ),
    Signature(r"/dev/nvidia\d+\W{0,4}.{0,30}Input/output error", 0.8),
    Signature(
        r"Failed to (?:initialize|allocate) the NVIDIA GPU at PCI|Failed to initialize the NVIDIA graphics device",
        0.6,
    ),
    Signature(
        r"nvidia-modeset: ERROR: GPU:\d: (?:Failed to (?:query|initialize)|Error while)|nvidia: probe of \S+ failed",
        0.6,
    ),
    Signature(
        r"kgspInitRm|kgspBootstrap\w*|GSP-RM (?:boot|init)\w* failed|gspInit|LibOS|GSP_INIT_DONE",
        0.6,
        needs=(r"NVRM|nvidia", r"fail|error|timeout|cannot"),
    ),
    Signature(r"WPR2 (?:is )?already (?:up|locked)|RmInitAdapter (?:failed|error|fails)", 0.7),
    Signature(
        r"Above 4G|Resizable BAR|re-?size ?BAR",
        0.55,
        needs=(r"No devices were found|not detected|RmInitAdapter|BAR\d? .{0,20}invalid",),
    ),
    Signature(
        r"RmFetchGspRmImages|failed to copy vbios to system memory|GSP (?:firmware )?bootstrap failed|No firmware image found",
        0.88,
        needs=(r"NVRM|nvidia",),
    ),
    Signature(
        r"\(Code 43\)|\bcode 43\b|错误代码 ?43", 0.72, needs=(r"nvidia|geforce|quadro|\bGTX\b|\bRTX\b|显卡",)
    ),
    Signature(
        r"RmInitAdapter failed",
        0.96,
        needs=(r"Unable to determine the device handle",),
        unless=(r"fallen off", r"Xid .{0,30}\b79\b"),
    ),
    # Linux 6.9 and later names the driver.
    Signature(r"probe with driver nvidia failed with error", 0.85),
)


KINDS = ("rm-init-failed", "gsp")


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    native_linux(host)
    found = not_for_guests(gpus(gpu))
    if not in_memory(driver):
        return
    if isinstance(gpu.nvml, Unknown):
        raise CannotLook(f"NVML: {gpu.nvml.reason}", gpu.nvml.would_help)
    missing = silent(gpu, found)
    if missing and len(missing) < len(found) and isinstance(containers.inside, Known):
        raise DoesNotApply("a container may have been given some of the GPUs only")
    if missing and withheld(driver, gpu):
        raise DoesNotApply("a scheduler gave this process some of the GPUs only")
    said = events(host, *KINDS)
    if missing and isinstance(host.kernel_log, Unknown):
        raise CannotLook(f"kernel log: {host.kernel_log.reason}", host.kernel_log.would_help)
    for one in missing:
        mine = [e for e in said if _of(e, one, len(found))]
        if any(e.kind == "rm-init-failed" or "Cannot initialize GSP" in e.text for e in mine):
            yield _problem(host, gpu, one, mine)


def _of(event: KernelEvent, one: PciDevice, count: int) -> bool:
    """A line without an address ("RmInitAdapter: Cannot initialize GSP firmware RM") is the only GPU's, if there is one."""
    return one.address.lower().startswith(event.pci) if event.pci else count == 1


def _problem(host: Host, gpu: Gpu, one: PciDevice, lines: list[KernelEvent]) -> Problem:
    text = " ".join(e.text for e in lines)
    if "WPR2" in text:
        why, fix = "it kept an old state (WPR2)", "Switch the machine off completely, mains too, and on again"
    elif "irmware load" in text and "fail" in text and "nvidia/" in text:
        why, fix = (
            "its GSP firmware file is missing",
            "Install the firmware package of this driver version, and reboot",
        )
    elif "GSP" in text:
        why, fix = (
            "its GSP firmware did not start",
            "Switch the machine off and on; then update BIOS and driver",
        )
    else:
        why, fix = (
            "RmInitAdapter failed",
            "Switch the machine off and on; check power plugs, seat and BIOS (Above 4G decoding)",
        )
    return Problem(
        f"The driver cannot initialise the {described([one])}: {why}",
        subject_of(gpu, one),
        evidence=(
            *quoted(host, lines),
            Evidence("NVML", f"does not list {one.address}", getattr(gpu.nvml, "via", "nvml")),
        ),
        fix=Fix(fix),
    )
