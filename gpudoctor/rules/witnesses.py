"""What the rules that judge single devices share: NVML's answers device by device, and the kernel log's lines
brought to the device they speak of. Pure functions of facts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from gpudoctor.facts.driver import DeviceNode, Driver
from gpudoctor.facts.gpu import Gpu, Nvml, NvmlDevice, PciDevice
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Subject, device
from gpudoctor.rules.judging import NVIDIA, Device, devices, gpu_ruled_out, untold

T = TypeVar("T")

#: Kinds of kernel events that only a GPU (or an NVSwitch) can have caused.
GPU_EVENTS = frozenset({"xid", "sxid", "rm-init-failed", "gsp", "fallen-off-bus", "bar"})

#: Xids that have a cause of their own; all others are judged by their class.
NAMED_XIDS = frozenset({13, 31, 43, 48, 63, 64, 74, 79, 94, 95, 109, 119, 120, 140, 154, 171, 172})

#: The PCI class of an NVSwitch: a bridge of no other kind.
BRIDGE = 0x0680

NO_GPU = "no NVIDIA GPU in this machine"


def no_gpu(gpu: Gpu, host: Host) -> str:
    """For a family's gate: the reason when a GPU is ruled out by agreement, else ""."""
    return NO_GPU if gpu_ruled_out(gpu, wsl=isinstance(host.wsl, Known)) else ""


def answering(gpu: Gpu) -> Nvml:
    """NVML with its devices. Raises when it did not answer, or when there is no driver library to ask."""
    if isinstance(gpu.nvml, Absent):
        raise DoesNotApply("no NVIDIA driver library to ask (libnvidia-ml)")
    if isinstance(gpu.nvml, Unknown):
        raise CannotLook(f"NVML: {gpu.nvml.reason}", gpu.nvml.would_help)
    nvml = gpu.nvml.value
    if nvml.state != "answered" or nvml.code not in (0, None):
        said = " ".join(str(part) for part in (nvml.state, nvml.code, nvml.message) if part not in (None, ""))
        raise CannotLook(f"NVML does not answer ({said})")
    if not nvml.devices:
        raise CannotLook("NVML answers, but lists no GPU")
    return nvml


def each(
    gpu: Gpu, read: Callable[[NvmlDevice], Observed[T]], what: str
) -> tuple[list[tuple[Device, T]], list[CouldNotTell]]:
    """One field of every device that NVML describes: those that told it, and those that could not. A device that
    does not support it is in neither; when none supports it, DoesNotApply is raised."""
    answering(gpu)
    told: list[tuple[Device, T]] = []
    open_: list[CouldNotTell] = []
    for one in devices(gpu):
        if one.nvml is None:
            continue
        field = read(one.nvml)
        if isinstance(field, Known):
            told.append((one, field.value))
        elif isinstance(field, Unknown):
            open_.append(untold(one, what, field))
    if not told and not open_:
        raise DoesNotApply(f"no GPU here reports {what}")
    return told, open_


def withheld(driver: Driver, gpu: Gpu) -> tuple[DeviceNode, ...]:
    """The GPUs' nodes that a scheduler keeps from this process (Slurm's ConstrainDevices: open gives EPERM), while it has
    others to work with: NVML leaves the kept ones out, and that is meant so."""
    nvml = value_of(gpu.nvml, None)
    if nvml is None or nvml.code != 0 or not nvml.devices:
        return ()
    nodes = [n for n in value_of(driver.nodes, ()) if n.path[len("/dev/nvidia") :].isdigit()]
    kept = tuple(n for n in nodes if value_of(n.open_error, "") == "EPERM")
    return kept if len(kept) < len(nodes) else ()


def is_datacenter(one: NvmlDevice) -> bool:
    """By NVML's brand: GeForce, Titan, Quadro and RTX boards are none. Not known counts as none."""
    return value_of(one.brand, "").lower() in ("nvidia", "tesla")


def address(text: str) -> str:
    """A PCI address in one spelling: "00000000:3B:00.0" and "0000:3b:00" are "0000:3b:00.0"."""
    domain, _, rest = text.strip().lower().partition(":")
    if rest.count(":") == 0:  # no domain was written
        domain, rest = "0000", text.strip().lower()
    bus, _, slot = rest.partition(":")
    slot, _, function = slot.partition(".")
    return f"{domain[-4:].rjust(4, '0')}:{bus}:{slot}.{function or '0'}"


def address_of(one: Device) -> str:
    """The device's PCI address in that spelling, "" when no witness tells it."""
    told = value_of(one.nvml.pci, "") if one.nvml else ""
    told = told or (one.pci.address if one.pci else "")
    return address(told) if told else ""


def subject_at(gpu: Gpu, pci: str) -> Subject:
    """The device at an address of the kernel log. A device that no longer tells its address is meant when it is
    the only such one; an address that nobody knows stands for itself."""
    wanted = address(pci)
    known = devices(gpu)
    for one in known:
        if address_of(one) == wanted:
            return one.subject
    silent = [one for one in known if not address_of(one)]
    claimed = {address_of(one) for one in known}
    on_bus = [d.address for d in value_of(gpu.pci, ()) if d.is_display and address(d.address) not in claimed]
    if len(silent) == 1 and all(address(d) == wanted for d in on_bus):
        return silent[0].subject
    return device(wanted, f"the GPU at {wanted}")


def log(host: Host, gpu: Gpu) -> tuple[KernelEvent, ...]:
    """The kernel log's lines. Raises CannotLook where there is none to read: a minor matter where the GPUs say of themselves
    that they are well, for then it would tell of the past alone."""
    if isinstance(host.kernel_log, Known):
        return host.kernel_log.value
    if isinstance(host.kernel_log, Absent):
        raise CannotLook("there is no kernel log here", "host", well_now(gpu))
    raise CannotLook(f"kernel log: {host.kernel_log.reason}", host.kernel_log.would_help, well_now(gpu))


def log_unless(host: Host, gpu: Gpu, pointless: str) -> tuple[KernelEvent, ...]:
    """As `log`; but where it can't be read and another witness says why it can hold nothing of this ("no NVSwitch on the
    bus"), DoesNotApply is raised: what can't have happened needs no log."""
    if pointless and not isinstance(host.kernel_log, Known):
        raise DoesNotApply(pointless)
    return log(host, gpu)


#: What a GPU with a fault does not answer, or answers with a count.
_VITAL = (
    "uuid",
    "name",
    "memory_total",
    "temperature",
    "throttle",
    "compute_capability",
    "ecc_uncorrected_volatile",
    "remapped_rows",
    "retired_pages_pending",
)


def well_now(gpu: Gpu) -> bool:
    """Every GPU that NVML lists answers all vital questions without a fault, and libcuda starts and counts them all."""
    nvml, cuda = value_of(gpu.nvml, None), value_of(gpu.cuda, None)
    if nvml is None or cuda is None or not nvml.devices or (nvml.state, nvml.code) != ("answered", 0):
        return False
    if (cuda.state, cuda.code) != ("answered", 0) or any(_ails(one) for one in nvml.devices):
        return False
    split = any(value_of(one.mig_enabled, False) for one in nvml.devices)
    return split or value_of(cuda.devices_unmasked, 0) >= len(nvml.devices)


def _ails(one: NvmlDevice) -> bool:
    if any(isinstance(getattr(one, name), Unknown) for name in _VITAL):
        return True
    rows = value_of(one.remapped_rows, None)
    waits = rows is not None and (rows.pending or rows.failed)
    return (
        waits or bool(value_of(one.ecc_uncorrected_volatile, 0)) or value_of(one.retired_pages_pending, False)
    )


def xids(events: Collection[KernelEvent], codes: Collection[int]) -> tuple[KernelEvent, ...]:
    return tuple(e for e in events if e.kind == "xid" and e.code in codes)


def by_device(gpu: Gpu, events: Collection[KernelEvent]) -> list[tuple[Subject, tuple[KernelEvent, ...]]]:
    """The events of each device, in the log's order. A line without an address is of the only GPU there is, or
    of an unnamed one."""
    groups: dict[str, tuple[Subject, list[KernelEvent]]] = {}
    known = devices(gpu)
    for event in events:
        if event.pci:
            subject = subject_at(gpu, event.pci)
        else:
            subject = known[0].subject if len(known) == 1 else device("unknown", "a GPU")
        groups.setdefault(subject.name, (subject, []))[1].append(event)
    return [(subject, tuple(found)) for subject, found in groups.values()]


def log_lines(events: Collection[KernelEvent], via: str = "kernel log") -> tuple[Evidence, ...]:
    """The first and the last of these lines as evidence, and how many there are."""
    lines = list(events)
    shown = lines if len(lines) <= 3 else [lines[0], lines[-1]]
    evidence = [Evidence(_name(line), line.text, via) for line in shown]
    if len(lines) > len(shown):
        evidence.append(Evidence("such lines since boot", str(len(lines)), via))
    return tuple(evidence)


def codes_of(events: Collection[KernelEvent]) -> str:
    """ "Xid 48 and Xid 63 (3 lines)" """
    codes = sorted({e.code for e in events if e.code is not None})
    text = " and ".join(f"Xid {code}" for code in codes)
    return text if len(events) == len(codes) else f"{text} ({len(events)} lines)"


def via_log(host: Host) -> str:
    return host.kernel_log.via if isinstance(host.kernel_log, Known) else "kernel log"


def reset_command(subject: Subject) -> str:
    """Reset one GPU by what names it (nvidia-smi takes a UUID, an address or an index)."""
    return f"sudo nvidia-smi --gpu-reset -i {subject.name}"


def _name(event: KernelEvent) -> str:
    if event.kind in ("xid", "sxid") and event.code is not None:
        return f"{'Xid' if event.kind == 'xid' else 'SXid'} {event.code}"
    return "kernel"


#: The first NVSwitch's device id. Below it the class is that of nForce chipsets' parts, network cards among them (pci.ids).
FIRST_NVSWITCH = 0x1AC0


def nvswitches(gpu: Gpu) -> tuple[PciDevice, ...]:
    return tuple(
        d
        for d in value_of(gpu.pci, ())
        if d.vendor == NVIDIA and d.class_code >> 8 == BRIDGE and d.device >= FIRST_NVSWITCH
    )
