"""What rules share: insisting on facts, and views that join what several witnesses say. Pure functions of facts."""

from __future__ import annotations

from typing import TypeVar

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.frameworks import Build, Interpreter
from gpudoctor.facts.gpu import CudaDriver, Gpu, Nvml, NvmlDevice, PciDevice
from gpudoctor.facts.observed import LATE, Absent, Known, Observed, Unknown, first_known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Subject, device

T = TypeVar("T")

NVIDIA = 0x10DE


def need(observed: Observed[T], what: str) -> T:
    """The value. Absent raises DoesNotApply (nothing to judge), Unknown raises CannotLook (never "passed").

    `what` completes "no ..." for people: `need(driver.module, "NVIDIA kernel module")`.
    """
    if isinstance(observed, Known):
        return observed.value
    if isinstance(observed, Absent):
        raise DoesNotApply(f"no {what}")
    raise CannotLook(f"{what}: {observed.reason}", observed.would_help)


def need_or(observed: Observed[T], what: str, when_absent: T) -> T:
    """As `need`, but absence has a meaning of its own: `when_absent`."""
    return when_absent if isinstance(observed, Absent) else need(observed, what)


def nvidia_gpus(gpu: Gpu) -> tuple[PciDevice, ...]:
    """NVIDIA display devices on the bus. Raises CannotLook when the bus can't be read."""
    return tuple(d for d in need_or(gpu.pci, "PCI bus", ()) if d.vendor == NVIDIA and d.is_display)


class Device(Record):
    """One GPU by all witnesses joined: NVML's device, the bus's, libcuda's."""

    subject: Subject
    name: Observed[str]
    compute_capability: Observed[str]
    nvml: NvmlDevice | None = None
    pci: PciDevice | None = None


def devices(gpu: Gpu) -> tuple[Device, ...]:
    """The GPUs that a driver library describes; empty when none answered. Mixed machines: judge each of them."""
    nvml, cuda = value_of(gpu.nvml, None), value_of(gpu.cuda, None)
    buses = {d.address.lower()[-10:]: d for d in value_of(gpu.pci, ())}
    by_uuid = {value_of(d.uuid, ""): d for d in (cuda.devices if cuda else ())}
    found: list[Device] = []
    for one in nvml.devices if nvml else ():
        uuid, pci = value_of(one.uuid, ""), value_of(one.pci, "")
        name = value_of(one.name, "")
        twin = by_uuid.get(uuid) if uuid else None
        cc = first_known(one.compute_capability, twin.compute_capability) if twin else one.compute_capability
        subject = device(uuid or pci or str(one.index), f"GPU {one.index} {name}".rstrip())
        found.append(Device(subject, one.name, cc, one, buses.get(pci.lower()[-10:]) if pci else None))
    if not found and cuda:
        for other in cuda.devices:
            label = f"GPU {other.ordinal} {value_of(other.name, '')}".rstrip()
            subject = device(value_of(other.uuid, "") or f"cuda:{other.ordinal}", label)
            found.append(Device(subject, other.name, other.compute_capability))
    return tuple(found)


def mute(one: Device) -> str:
    """Why NVML tells nothing at all of a device: "GPU 5: GPU is lost". "" where it tells something. Said in these words
    by every rule that has a question to it, so that a report can say it once."""
    if one.nvml is None:
        return ""
    asked = (
        one.nvml.uuid,
        one.nvml.name,
        one.nvml.memory_total,
        one.nvml.temperature,
        one.compute_capability,
    )
    reasons = {field.reason for field in asked if isinstance(field, Unknown)}
    if len(reasons) != 1 or not all(isinstance(field, Unknown) for field in asked):
        return ""
    return f"{one.subject.label}: {reasons.pop()}"


def untold(one: Device, what: str, field: Observed[object]) -> CouldNotTell:
    """A question that a device left open: `what` completes "GPU 5: ...: <reason>"."""
    reason = field.reason if isinstance(field, Unknown) else "not told"
    return CouldNotTell(
        mute(one) or f"{one.subject.label}: {what}: {reason}", getattr(field, "would_help", ""), one.subject
    )


def driver_version(driver: Driver, gpu: Gpu) -> Observed[str]:
    """The driver that runs: as NVML says (the kernel side), else the module in memory, else nvidia-smi's KMD."""
    nvml, smi = value_of(gpu.nvml, None), value_of(gpu.smi, None)
    module: Observed[str] = (
        Known(driver.module.value.version, driver.module.via)
        if isinstance(driver.module, Known)
        else driver.module
    )
    if nvml is not None and isinstance(nvml.driver_version, Known):
        return nvml.driver_version
    if isinstance(module, Known):
        return module
    if smi is not None and isinstance(smi.kmd_version, Known):
        return smi.kmd_version
    return module


def driver_cuda(gpu: Gpu) -> Observed[str]:
    """The newest CUDA that the user-space driver implements ("12.4"): libcuda's word, else NVML's, else nvidia-smi's."""
    candidates: list[Observed[str]] = []
    for answer in (value_of(gpu.cuda, None), value_of(gpu.nvml, None), value_of(gpu.smi, None)):
        if isinstance(answer, CudaDriver):
            candidates.append(answer.version)
        elif answer is not None:
            candidates.append(answer.cuda_version)
    return first_known(*candidates) if candidates else Unknown("no driver library answered")


#: What a driver library says when there simply is no GPU or no driver in the kernel.
NVML_NOTHING = frozenset({9, 12})
CUDA_NOTHING = frozenset({100})


def gpu_ruled_out(gpu: Gpu, wsl: bool = False) -> bool:
    """No NVIDIA GPU, as a conclusion from agreement: the bus is readable and shows none, and no driver library
    says anything but "not found", "not loaded" or "no device". Anything else leaves a GPU possible."""
    if wsl or not isinstance(gpu.pci, Known):
        return False
    if any(d.vendor == NVIDIA and d.is_display for d in gpu.pci.value):
        return False
    if LATE in (gpu.nvml, gpu.cuda):  # a driver library that hangs beside an empty bus is no agreement
        return False
    return not answers_as_if_a_gpu(gpu)


def answers_as_if_a_gpu(gpu: Gpu) -> bool:
    """A driver library answers otherwise than "not found", "not loaded", "no device": a code such as 18 or 999, a
    crash, a hang, or devices."""
    nvml, cuda = gpu.nvml, gpu.cuda
    if isinstance(nvml, Known) and _speaks(nvml.value, nvml.value.code not in NVML_NOTHING):
        return True
    return isinstance(cuda, Known) and _speaks(cuda.value, cuda.value.code not in CUDA_NOTHING)


def _speaks(answer: Nvml | CudaDriver, unusual: bool) -> bool:
    if answer.state in ("crashed", "hung"):
        return True
    if answer.state == "answered" and not answer.devices and answer.code == 0:
        return False
    return unusual


def in_container(inside: Observed[Inside]) -> bool:
    return isinstance(inside, Known)


def builds(interpreters: tuple[Interpreter, ...], framework: str = "") -> list[tuple[Interpreter, Build]]:
    """Every framework build (or every one of `framework`) with the interpreter that it lies in."""
    return [(i, b) for i in interpreters for b in i.builds if framework in ("", b.framework)]
