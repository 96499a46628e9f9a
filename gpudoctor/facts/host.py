"""The machine under the GPU: distribution, kernel, limits, and what the kernel log says."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record


class Distribution(Record):
    """From os-release: `id` ("ubuntu"), `version` ("22.04"), `name` ("Ubuntu 22.04.5 LTS"), `like` ("debian",)."""

    id: str
    version: str
    name: str
    like: tuple[str, ...] = ()


class Wsl(Record):
    """A Linux under Windows. `generation` 1 or 2; `dxg`: /dev/dxg exists (some GPU is paravirtualised, not
    necessarily NVIDIA's); `libraries`: /usr/lib/wsl/lib holds libcuda; `windows_build` such as "22621"."""

    generation: int
    dxg: Observed[bool] = UNASKED
    libraries: Observed[bool] = UNASKED
    windows_build: Observed[str] = UNASKED


class Filesystem(Record):
    """Sizes in bytes."""

    path: str
    size: int
    free: int


KernelEventKind = Literal[
    "xid",
    "sxid",
    "rm-init-failed",
    "gsp",
    "fallen-off-bus",
    "bar",
    "module-rejected",
    "module-unfit",
    "bound-elsewhere",
    "version-mismatch",
    "unsupported-gpu",
    "needs-open-module",
    "no-gsp-in-gpu",
    "nouveau",
    "nvrm",
    "resume",
    "oom-killer",
]


class KernelEvent(Record):
    """One line of the kernel log that concerns a GPU.

    `code` is the Xid or SXid number; `pci` the address as the log spells it without function ("0000:3b:00");
    `seconds` since boot. `text` is the line without its time stamp.

    "module-rejected": a signature was wanted. "module-unfit": a module for another kernel ("version magic", "Unknown
    symbol"). Neither names the module always; `text` tells. "bound-elsewhere": another driver owns the GPU.
    """

    kind: KernelEventKind
    text: str
    code: int | None = None
    pci: str = ""
    seconds: float | None = None


class DkmsBuild(Record):
    """`state`: added, built, installed, or failed (a build log that ends in an error). `kernel` may be empty."""

    module: str
    version: str
    kernel: str
    state: Literal["added", "built", "installed", "failed"]
    detail: str = ""


class Limits(Record):
    """Soft limits of this process. Bytes for memlock, a count for nofile; -1 is unlimited."""

    memlock: int
    nofile: int


class RdmaDevice(Record):
    """A network card that reads and writes memory by itself, as /sys/class/infiniband lists it: `name` "mlx5_0".

    `active`: one of its ports is up (state "4: ACTIVE"); `link_layer` of its first port: "InfiniBand", or "Ethernet" for
    RoCE."""

    name: str
    active: Observed[bool] = UNASKED
    link_layer: Observed[str] = UNASKED


class Host(Record):
    """The machine. `boot_time`: seconds since the epoch. `tegra`: the device-tree model of a Jetson.
    `infiniband`: Absent where the kernel knows of no RDMA card."""

    system: Observed[str] = UNASKED
    distribution: Observed[Distribution] = UNASKED
    kernel: Observed[str] = UNASKED
    architecture: Observed[str] = UNASKED
    libc: Observed[str] = UNASKED
    boot_time: Observed[float] = UNASKED
    wsl: Observed[Wsl] = UNASKED
    tegra: Observed[str] = UNASKED
    secure_boot: Observed[bool] = UNASKED
    limits: Observed[Limits] = UNASKED
    shm: Observed[Filesystem] = UNASKED
    uid: Observed[int] = UNASKED
    groups: Observed[tuple[int, ...]] = UNASKED
    kernel_log: Observed[tuple[KernelEvent, ...]] = UNASKED
    dkms: Observed[tuple[DkmsBuild, ...]] = UNASKED
    kernel_headers: Observed[str] = UNASKED
    selinux: Observed[str] = UNASKED
    systemd: Observed[bool] = UNASKED
    infiniband: Observed[tuple[RdmaDevice, ...]] = UNASKED
