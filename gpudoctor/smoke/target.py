"""Which devices are tried: all that the user's job would see, or those that were named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.gpu import NvmlDevice
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.rules.judging import gpu_ruled_out

#: What quick mode may take of a GPU's memory, and what must be free before it begins (bytes).
QUICK_NEEDS = 1 << 30
#: What the full run must find free (bytes).
FULL_NEEDS = 3 << 30

#: NVML's brands of virtual GPUs.
VIRTUAL = frozenset({"grid", "nvidia-vapps", "nvidia-vpc", "nvidia-vcs", "nvidia-vws", "nvidia-cloud-gaming"})


class Target(Record):
    """One device. `uuid` "" stands for whatever the framework takes (NVML tells nothing here), and for the CPU. `free` in
    bytes, -1 where it is not known. `tenants`: processes on it. `platform`: see data/evidence.json. `notes`: what may slow it
    down, as NVML says now. `gpu`: the UUID of the whole GPU that a MIG instance is a part of."""

    uuid: str
    label: str
    free: int = -1
    tenants: tuple[int, ...] = ()
    platform: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cpu: bool = False
    uuids: tuple[str, ...] = ()
    gpu: str = ""


CPU = Target("", "CPU", cpu=True)


def targets(machine: Machine, wanted: Sequence[str], mask: str | None) -> tuple[Target, ...]:
    """Empty where there is no GPU. `wanted`: indices as in nvidia-smi, UUIDs, or nothing for all; `mask`: the user's
    CUDA_VISIBLE_DEVICES, which is heeded where nothing is wanted. Raises GpudoctorError for a device that is not there."""
    platform = _platform(machine)
    nvml = value_of(machine.gpu.nvml, None)
    known = [t for one in (nvml.devices if nvml else ()) for t in _of(one, platform)]
    if wanted and wanted != ("all",):
        return _once(t for name in wanted for t in _named(name, known))
    if not known:
        ruled_out = gpu_ruled_out(machine.gpu, isinstance(machine.host.wsl, Known))
        return () if ruled_out else (Target("", "the GPU that the framework finds", platform=platform),)
    return tuple(known) if mask is None or wanted else _masked(mask, known, machine)


def _once(found: Iterable[Target]) -> tuple[Target, ...]:
    """`--gpus 0,0` is one GPU."""
    return tuple({t.uuid: t for t in found}.values())


def _platform(machine: Machine) -> tuple[str, ...]:
    found = ["wsl2"] if isinstance(machine.host.wsl, Known) else []
    found += ["tegra"] if isinstance(machine.host.tegra, Known) else []
    found = found or ["linux"]
    if isinstance(machine.containers.inside, Known):
        found.append("container")
    return tuple(found)


def _of(one: NvmlDevice, platform: tuple[str, ...]) -> list[Target]:
    name, uuid = value_of(one.name, "a GPU"), value_of(one.uuid, "")
    if not uuid:
        return []
    total, used = value_of(one.memory_total, -1), value_of(one.memory_used, -1)
    capability = value_of(one.compute_capability, "")
    own = list(platform)
    if capability and int(capability.partition(".")[0]) < 7:
        own.append("before-volta")
    if value_of(one.brand, "") in VIRTUAL:
        own.append("vgpu")
    base = Target(
        uuid,
        f"GPU {one.index}, {name}",
        total - used if total >= 0 <= used else -1,
        tuple(p.pid for p in value_of(one.processes, ())),
        tuple(own),
        _notes(one),
    )
    if not value_of(one.mig_enabled, False):
        return [base]
    return [
        base.replace(
            uuid=mig.uuid,
            label=f"GPU {one.index}, {name}, MIG {mig.profile}".rstrip(),
            free=-1,
            tenants=(),
            platform=(*own, "mig"),
            gpu=uuid,
        )
        for mig in value_of(one.mig_instances, ())
    ]


def _notes(one: NvmlDevice) -> tuple[str, ...]:
    found = []
    errors = value_of(one.ecc_uncorrected_volatile, 0)
    if errors:
        found.append(f"{errors} uncorrected ECC errors since the driver was loaded")
    width, most = value_of(one.link_width, 0), value_of(one.link_width_max, 0)
    if 0 < width < most:
        found.append(narrow(width, most))
    return tuple(found)


def with_tenants(one: Target, looks: Sequence[Mapping[str, Any]]) -> Target:
    """Who computes on it, by the first look: NVML tells these apart from what only draws on a screen, and a desktop's
    display is no tenant."""
    if not looks or "pids" not in looks[0]:
        return one
    drawing = len(looks[0].get("others", ()))
    note = (f"{drawing} programs draw on this GPU",) if drawing else ()
    return one.replace(tenants=tuple(looks[0]["pids"]), notes=(*one.notes, *note))


def narrow(width: int, most: int) -> str:
    return f"PCIe link of {width} lanes instead of {most}"


def _named(name: str, known: Sequence[Target]) -> tuple[Target, ...]:
    """A GPU that is divided stands for all its instances. Raises GpudoctorError."""
    found = [
        t
        for t in known
        if name.lower() in (t.uuid.lower(), t.gpu.lower()) or t.label.startswith(f"GPU {name},")
    ]
    if not found and name.lower().startswith(("gpu-", "mig-")):
        found = [t for t in known if _begins(t.uuid, name) or (t.gpu and _begins(t.gpu, name))]
        found = found if len({t.gpu or t.uuid for t in found}) == 1 else []
    if found:
        return tuple(found)
    listed = "; ".join(f"{t.label} ({t.uuid})" for t in known) or "NVML lists none here"
    raise GpudoctorError(
        f"there is no GPU {name}",
        context="--gpus",
        note="nothing was run",
        hint=f"give indices as nvidia-smi does, UUIDs, or all; known: {listed}",
    )


def _begins(uuid: str, name: str) -> bool:
    return uuid.lower().startswith(name.lower())


def _masked(mask: str, known: Sequence[Target], machine: Machine) -> tuple[Target, ...]:
    """Those that the mask shows. Indices in a mask count in CUDA's own order, which may differ from NVML's: libcuda was asked with this mask,
    and tells UUIDs. An empty or unusable mask shows none: then the framework is asked all the same, with the mask, so that
    what the user's job would meet is what is reported."""
    entries = [e.strip() for e in mask.split(",") if e.strip()]
    if entries and all(e.lower().startswith(("gpu-", "mig-")) for e in entries):
        found = [t for e in entries for t in known if _begins(t.uuid, e)]
    else:
        cuda = value_of(machine.gpu.cuda, None)
        shown = [value_of(d.uuid, "") for d in cuda.devices] if cuda and cuda.state == "answered" else []
        found = [t for uuid in shown for t in known if uuid and _same(t.uuid, uuid)]
        found = found if len(found) == len(shown) else []
    first = "the first GPU that CUDA_VISIBLE_DEVICES shows" if entries else "what CUDA_VISIBLE_DEVICES shows"
    return _once(found) or (Target("", first, platform=known[0].platform),)


def _same(one: str, other: str) -> bool:
    """By the digits: older CUDA gives a MIG instance's UUID with the prefix of a GPU."""
    return one.partition("-")[2].lower() == other.partition("-")[2].lower()
