"""A GPU no longer answers on the PCIe bus

What it is: The driver reads nothing but ones from the GPU: the card has dropped off the PCIe bus while it was running.
The kernel logs Xid 79, and NVML says "GPU is lost" for that device; the device may even vanish from lspci.

Why it hurts: Whatever ran on that GPU is gone, and nothing new can be started on it until it has been reset. Tools that
ask all GPUs often fail as a whole ("Unable to determine the device handle").

How to tell: Xid 79 or "fallen off the bus" in the kernel log with the device's address, or "GPU is lost" from NVML for
one device while others answer. A driver that is not loaded makes all devices silent, and logs no Xid 79.

How to fix: Do what Xid 154 says if it follows (reset the GPU, reboot, or drain it); otherwise reboot, and if the card stays
away, switch the machine off and on. If it happens again: power supply and its cables, seating and riser, temperature,
BIOS and its PCIe power saving (ASPM); then try the card in another slot, and return it if the fault moves with it.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/507
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1151
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import MACHINE, CannotLook, CouldNotTell, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import Device, devices, nvidia_gpus
from gpudoctor.rules.witnesses import by_device, log, log_lines, reset_command, via_log
from gpudoctor.signature import Signature, exported_xid

explains = (
    "gpu-lost-in-cuda",
    "gpu-missing-in-nvml",
    "driver-not-answering",
    "gpu-init-failed",
    "gpu-requires-reset",
    "xid-119-gsp-timeout",
    "xid-154-recovery-action",
    "xid-other-hardware",
    "xid-other-driver",
    "nvlink-inactive",
)

signatures: tuple[Signature | str, ...] = (
    # NVRM's Xid 79, and what nvidia-smi and NVML say afterwards.
    Signature(r"GPU has fallen off the bus", 0.97),
    Signature(r"Xid .{0,30}\b79\b", 0.93),
    Signature(r"GPU is lost\.? ?(?:Reboot the system)?", 0.9),
    Signature(r"Unable to determine the device handle for (?:gpu|GPU)", 0.88),
    r"NVML_ERROR_GPU_IS_LOST",
    r"NVMLError_GpuIsLost",
    Signature(r"GPU lost from the bus", 0.9),
    Signature(r"\(rev ff\)", 0.85, needs=(r"NVIDIA",)),
    Signature(r"Failed to query device index \d: GPU is lost", 0.9),
    # The kernel's and NVML's other words; the device plugin, DCGM and Slurm print the Xid their way.
    Signature(
        r"fallen off the bus|fell off (?:of )?the (?:pcie? )?bus|falls off the bus|falling off the bus|dropp?(?:ed|ing|s) off the (?:pcie? )?bus|显卡掉卡|GPU掉卡|GPU 掉卡",
        0.9,
    ),
    Signature(r"Xid(?: errors?| events?| code)?[ :=#]{0,3}79\b", 0.88),
    Signature(r"ERROR_GPU_IS_LOST|\bGpuIsLost\b|GPU_IS_LOST", 0.9),
    Signature(
        r"can(?:'t|not) change power state from D3\w* to D0|Unable to change power state from D3\w* to D0|config space inaccessible",
        0.78,
        needs=(r"nvidia|NVRM|10de",),
    ),
    Signature(r"pciehp: Slot\(\S{1,8}\): (?:Link Down|Card not present)", 0.7, needs=(r"nvidia|NVRM|Xid",)),
    Signature(r"(?:GPU|card) .{0,30}(?:disappear\w*|vanish\w*) .{0,40}(?:lspci|nvidia-smi|bus|system)", 0.66),
    Signature(r"\| ERR! |N/A ERR!|\bERR! ERR!", 0.6),
    Signature(r"\(rev ff\)", 0.8, needs=(r"GPU|RTX|GTX|nvidia|lspci",)),
    Signature(
        r"(?:card|GPU)s? (?:\w+ ){0,4}(?:drops?|dropped|dropping|falls?|fell|goes|went) (?:off|out|offline)\b",
        0.74,
        needs=(r"nvidia|riser|mining|GPU", r"lspci|nvidia-smi|riser|bus|reboot|power|pcie"),
        unless=(r"performance|fps|utili[sz]ation|usage",),
    ),
    Signature(r"gres/gpu count reported lower than configured", 0.6),
    # While it worked: a GPU that was there is gone, and a restart brings it back; in Chinese, "the card dropped".
    Signature(
        r"(?:GPUs?|cards?)(?: \d| #\d)? (?:\w+ ){0,2}(?:gets?|is|was|are|were|got|being|becomes?|went|goes) (?:\w+ ){0,1}(?:lost|missing|gone|dropped|offline|down)\b|(?:lost|losing|loses?|missing) (?:a|one|1|the|some|our|that) (?:\w+ )?GPUs?\b|(?:GPU|card)s? (?:disappear\w*|vanish\w*)",
        0.68,
        needs=(
            r"re-?boot\w*|restart\w*|power cycle|riser|lspci|nvidia-smi",
            r"train\w*|load|hours|again|slurm|node|job|experiment|running|mining|while|during|experiments|riser|lspci",
        ),
        unless=(
            r"container|pod\b|docker",
            r"suspend|resume|sleep",
            r"mismatch",
            r"driver (?:update|upgrade)",
            r"CUDA_VISIBLE_DEVICES",
        ),
    ),
    Signature(
        r"显卡掉了|显卡就掉|显卡突然掉|显卡丢失|显卡掉线|GPU掉了|GPU掉线|GPU丢失|GPU 丢失|中途掉卡|经常掉卡|老是掉卡|总是掉卡|就会掉卡|突然掉卡|掉卡问题|掉一张卡|掉了一张卡|丢了一张卡|掉了一块卡",
        0.8,
        needs=(r"nvidia|GPU|显卡|训练",),
    ),
    Signature(r"`?\(?rev ff\)?`?", 0.8, needs=(r"lspci", r"nvidia|GPU")),
    Signature(r"falls? (?:out|off) of the bus|fell out of the bus|fallen out of the bus", 0.9),
    Signature(
        r"riser\b.{0,40}(?:loose|broken|bad|faulty|reseat\w*|replac\w+)|(?:power cable|PSU|power supply|connector).{0,40}(?:loose|reseat\w*|too weak|replac\w+|insufficient)|(?:reseat\w*|re-seat\w*) (?:the )?(?:GPU|card)",
        0.7,
        needs=(
            r"nvidia-smi|Xid|GPU",
            r"No devices were found|lost|launch failure|device handle|disappear\w*|crash\w*|not detected|unknown error",
        ),
    ),
    Signature(exported_xid(79), 0.93),
    # It was listed, and is not any more, until the machine is switched off.
    Signature(
        r"(?:disappear\w*|vanish\w*|drops? out|dropped out|missing|gone) (?:from|in|of) (?:the )?(?:output of )?(?:nvidia-smi|lspci|(?:pcie? )?bus)\b",
        0.78,
        needs=(
            r"power[- ]?cycl\w*|re-?boot\w*|restart\w*|cold boot|switch\w* off|every (?:night|day|few)|after (?:a few|some|several|\d+) (?:hours|minutes|days)|under load|riser",
        ),
        unless=(
            r"suspen[ds]|resume|sleep|hibernat",
            r"container|docker|pod\b",
            r"mismatch",
            r"(?:kernel|driver|system) (?:updat|upgrad)\w+|(?:updat|upgrad)\w+ (?:the )?(?:kernel|driver)",
            r"passthrough|vfio",
        ),
    ),
)


#: nvmlReturn_t NVML_ERROR_GPU_IS_LOST, and how nvmlErrorString words it.
NVML_LOST, LOST = 15, "gpu is lost"


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    nvml = value_of(gpu.nvml, None)
    silent = [one for one in devices(gpu) if _says_lost(one)]
    answers = bool(nvml and nvml.state == "answered" and nvml.devices) and not silent
    events: list[KernelEvent] = []
    try:
        events = [
            e for e in log(host, gpu) if e.kind == "fallen-off-bus" or (e.kind == "xid" and e.code == 79)
        ]
    except CannotLook:
        if not silent and not answers and not _whole_driver_says_so(gpu):
            raise
    named = by_device(gpu, events)
    for subject, lines in named:
        yield _problem(host, gpu, subject, lines)
    for one in silent:
        if one.subject not in [subject for subject, _ in named]:
            yield _problem(host, gpu, one.subject, ())
    if not named and not silent and _whole_driver_says_so(gpu):
        message = nvml.message if nvml else ""
        yield Problem(
            "The driver says that a GPU is lost, and does not say which",
            evidence=(Evidence("nvmlInit", f"{NVML_LOST} {message}", "NVML"),),
            fix=_fix(MACHINE, gone=True),
        )


def _problem(host: Host, gpu: Gpu, subject: Subject, lines: tuple[KernelEvent, ...]) -> Problem:
    back = _is_back(gpu, subject)
    evidence = log_lines(lines, via_log(host))
    for one in devices(gpu):
        if one.subject == subject and _says_lost(one):
            evidence = (*evidence, Evidence("NVML on this device", "GPU is lost", "NVML"))
    about = subject if _others(gpu, subject) else MACHINE
    if back:
        title = f"{subject.label} fell off the bus earlier since boot; it answers again"
        return Problem(title, subject, "warning", evidence, fix=_fix(subject, gone=False))
    title = f"{subject.label} has fallen off the PCIe bus"
    return Problem(title, about, "failure", evidence, fix=_fix(subject, gone=True))


def _says_lost(one: Device) -> bool:
    if one.nvml is None:
        return False
    fields = (one.nvml.uuid, one.nvml.name, one.nvml.memory_total, one.nvml.temperature, one.nvml.throttle)
    return any(isinstance(field, Unknown) and LOST in field.reason.lower() for field in fields)


def _is_back(gpu: Gpu, subject: Subject) -> bool:
    """NVML describes it without complaint: it was reset, or brought back by a rescan of the bus."""
    return any(
        one.subject == subject and one.nvml and isinstance(one.nvml.memory_total, Known)
        for one in devices(gpu)
        if not _says_lost(one)
    )


def _others(gpu: Gpu, subject: Subject) -> bool:
    """Other GPUs may be well. Where this is the only one, its loss is the whole machine's."""
    if devices(gpu):
        return any(one.subject != subject for one in devices(gpu))
    try:
        return any(d.address.lower() != subject.name for d in nvidia_gpus(gpu))
    except CannotLook:
        return True


def _whole_driver_says_so(gpu: Gpu) -> bool:
    nvml = value_of(gpu.nvml, None)
    return nvml is not None and (nvml.code == NVML_LOST or LOST in nvml.message.lower())


def _fix(subject: Subject, gone: bool) -> Fix:
    if gone:
        return Fix(
            "Reboot; if the GPU stays away, switch the machine off and on, and check its power and seating",
            ("sudo reboot",),
        )
    where = reset_command(subject)
    return Fix(f"Nothing now; watch the kernel log. If Xid 154 asked for a reset that was not done: {where}")
