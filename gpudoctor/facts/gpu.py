"""The GPUs: as the bus shows them, and as NVML, libcuda and nvidia-smi answer."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record


class Bar(Record):
    """A base address register. `size` in bytes; `assigned` is false when firmware gave it no address."""

    index: int
    size: int
    assigned: bool


class Bridge(Record):
    """A PCIe port above a device. `acs`: what its Access Control Services are set to (the 16 bits of ACSCtl), asked only of
    the ports at which the ways to two GPUs part below a common bridge; Absent where it has no such services."""

    address: str
    acs: Observed[int] = UNASKED


class PciDevice(Record):
    """A device on the PCI bus whose vendor is NVIDIA (0x10de), or a display device of another vendor.

    `address` "0000:01:00.0"; `class_code` 0x030000 (VGA), 0x030200 (3D), 0x068000 (NVSwitch bridge).
    `driver`: bound kernel driver, Absent when none. `runtime_status`: "active", "suspended" (a sleeping laptop GPU).
    Link widths in lanes, speeds in GT/s. `bridges`: above it, the root's first; read where there are two NVIDIA GPUs or more.
    """

    address: str
    vendor: int
    device: int
    class_code: int
    driver: Observed[str] = UNASKED
    bars: Observed[tuple[Bar, ...]] = UNASKED
    runtime_status: Observed[str] = UNASKED
    link_width: Observed[int] = UNASKED
    link_width_max: Observed[int] = UNASKED
    link_speed: Observed[float] = UNASKED
    link_speed_max: Observed[float] = UNASKED
    bridges: Observed[tuple[Bridge, ...]] = UNASKED

    @property
    def is_display(self) -> bool:
        """VGA or 3D controller: a GPU. (An NVSwitch is a bridge, 0x0680.)"""
        return self.class_code >> 16 == 0x03


#: How a question to the driver ended. *hung*: no answer before its deadline; *crashed*: killed by a signal; *assumed*:
#: nobody asked, it is part of a what-if, and proves nothing.
AnswerState = Literal["answered", "failed", "crashed", "hung", "assumed"]


class MigInstance(Record):
    """A MIG device: `uuid` "MIG-...", `profile` "1g.10gb", memory in bytes."""

    uuid: str
    profile: str = ""
    memory: int = 0


class Process(Record):
    """A process on the GPU. `memory` in bytes, -1 where the platform does not tell."""

    pid: int
    name: str = ""
    memory: int = -1


class RemappedRows(Record):
    """Counts of remapped memory rows, and whether one is pending or has failed (Ampere and later)."""

    correctable: int
    uncorrectable: int
    pending: bool
    failed: bool


class NvmlDevice(Record):
    """One device as NVML describes it. Memory in bytes, temperature in degrees Celsius, power in watts.

    `compute_mode`: "default", "exclusive-process", "exclusive-thread", "prohibited". `throttle`: reasons in NVML's
    words in kebab case ("applications-clocks-setting", "sw-power-cap", "hw-slowdown", "sync-boost",
    "sw-thermal-slowdown", "hw-thermal-slowdown", "hw-power-brake", "display-clock-setting", "board-limit",
    "reliability"; "idle" is left out). `nvlinks`: active or not, by
    link. `fabric`: "completed", "in-progress", "not-started", "not-supported", or "error <n>". A field that this
    device answers with an error is Unknown with NVML's words ("GPU is lost"); "Not Supported" is Absent.
    """

    index: int
    uuid: Observed[str] = UNASKED
    name: Observed[str] = UNASKED
    pci: Observed[str] = UNASKED
    compute_capability: Observed[str] = UNASKED
    memory_total: Observed[int] = UNASKED
    memory_used: Observed[int] = UNASKED
    mig_enabled: Observed[bool] = UNASKED
    mig_instances: Observed[tuple[MigInstance, ...]] = UNASKED
    ecc_enabled: Observed[bool] = UNASKED
    ecc_uncorrected_volatile: Observed[int] = UNASKED
    ecc_uncorrected_aggregate: Observed[int] = UNASKED
    remapped_rows: Observed[RemappedRows] = UNASKED
    retired_pages_pending: Observed[bool] = UNASKED
    link_generation: Observed[int] = UNASKED
    link_generation_max: Observed[int] = UNASKED
    link_width: Observed[int] = UNASKED
    link_width_max: Observed[int] = UNASKED
    throttle: Observed[tuple[str, ...]] = UNASKED
    persistence: Observed[bool] = UNASKED
    compute_mode: Observed[str] = UNASKED
    nvlinks: Observed[tuple[bool, ...]] = UNASKED
    fabric: Observed[str] = UNASKED
    processes: Observed[tuple[Process, ...]] = UNASKED
    temperature: Observed[int] = UNASKED
    power: Observed[float] = UNASKED
    power_limit: Observed[float] = UNASKED
    brand: Observed[str] = UNASKED
    vbios: Observed[str] = UNASKED


class Nvml(Record):
    """What nvmlInit and the queries after it answered. `code` is nvmlInit's return (0 success, 9 driver not loaded,
    12 library not found, 18 driver/library mismatch, 999 unknown). `cuda_version` "12.4": the highest that this
    user-space driver implements. `driver_version` comes from the kernel module, `library_version` from the library
    itself ("550.163.01"; it answers even when nvmlInit fails). `detail` is what the child left on standard error."""

    state: AnswerState
    code: int | None = None
    message: str = ""
    library: Observed[str] = UNASKED
    library_version: Observed[str] = UNASKED
    driver_version: Observed[str] = UNASKED
    cuda_version: Observed[str] = UNASKED
    devices: tuple[NvmlDevice, ...] = ()
    detail: str = ""


class CudaDevice(Record):
    """One device as libcuda counts it, after CUDA_VISIBLE_DEVICES. `memory` in bytes."""

    ordinal: int
    name: Observed[str] = UNASKED
    uuid: Observed[str] = UNASKED
    pci: Observed[str] = UNASKED
    compute_capability: Observed[str] = UNASKED
    memory: Observed[int] = UNASKED


class CudaDriver(Record):
    """What libcuda answered: `code` is cuInit's (0, 34 stub, 100 no device, 802, 803, 804, 999), `name` its
    symbol ("CUDA_ERROR_NO_DEVICE"). `version` "12.4" from cuDriverGetVersion. `library`: the file that was mapped.
    `devices_unmasked`: the count in a process without CUDA_VISIBLE_DEVICES; Unknown after a code that tells nothing
    of it (802, 999)."""

    state: AnswerState
    code: int | None = None
    name: str = ""
    version: Observed[str] = UNASKED
    library: Observed[str] = UNASKED
    devices: tuple[CudaDevice, ...] = ()
    devices_unmasked: Observed[int] = UNASKED
    detail: str = ""


class Smi(Record):
    """nvidia-smi, as a cross-check. `smi_version`, `kmd_version` (the kernel side) and `cuda_version` (the
    user-space driver's ceiling) from its banner, of either shape. `output`: its first lines. `others`: further
    copies on PATH that are other files."""

    state: AnswerState
    path: str = ""
    exit_code: int | None = None
    output: str = ""
    smi_version: Observed[str] = UNASKED
    kmd_version: Observed[str] = UNASKED
    cuda_version: Observed[str] = UNASKED
    others: tuple[str, ...] = ()


class Gpu(Record):
    """The GPUs by four witnesses. Where they disagree all are kept: the conflict is the diagnosis."""

    pci: Observed[tuple[PciDevice, ...]] = UNASKED
    nvml: Observed[Nvml] = UNASKED
    cuda: Observed[CudaDriver] = UNASKED
    smi: Observed[Smi] = UNASKED
