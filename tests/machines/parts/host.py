"""Healthy hosts. Composed: kernel and distribution strings as these systems print them."""

from __future__ import annotations

from gpudoctor.facts.host import Distribution, Filesystem, Host, KernelEvent, Limits, RdmaDevice, Wsl
from gpudoctor.facts.observed import Absent, Known, Observed

KERNEL = "6.8.0-45-generic"


def ubuntu(**changes: object) -> Host:
    base = Host(
        system=Known("Linux", "uname"),
        distribution=Known(
            Distribution("ubuntu", "22.04", "Ubuntu 22.04.5 LTS", ("debian",)), "/etc/os-release"
        ),
        kernel=Known(KERNEL, "uname"),
        architecture=Known("x86_64", "uname"),
        libc=Known("glibc 2.35", "confstr"),
        boot_time=Known(1_760_000_000.0, "/proc/stat"),
        wsl=Absent("/proc/version"),
        tegra=Absent("/proc/device-tree/model"),
        secure_boot=Known(False, "/sys/firmware/efi/efivars"),
        limits=Known(Limits(memlock=-1, nofile=1_048_576), "getrlimit"),
        shm=Known(Filesystem("/dev/shm", 64 << 30, 64 << 30), "/dev/shm"),
        uid=Known(1000, "getuid"),
        groups=Known((1000, 44), "getgroups"),
        kernel_log=Known((), "/dev/kmsg"),
        dkms=Known((), "/var/lib/dkms"),
        kernel_headers=Known(f"/lib/modules/{KERNEL}/build", f"/lib/modules/{KERNEL}/build"),
        selinux=Absent("/sys/fs/selinux/enforce"),
        systemd=Known(True, "/run/systemd/system"),
        infiniband=Absent("/sys/class/infiniband"),
    )
    return base.replace(**changes)


def rdma(*names: str, active: bool = True) -> Observed[tuple[RdmaDevice, ...]]:
    via = "/sys/class/infiniband"
    return Known(tuple(RdmaDevice(n, Known(active, via), Known("InfiniBand", via)) for n in names), via)


def wsl2(**changes: object) -> Host:
    base = ubuntu(
        kernel=Known("5.15.153.1-microsoft-standard-WSL2", "uname"),
        wsl=Known(
            Wsl(2, Known(True, "/dev/dxg"), Known(True, "/usr/lib/wsl/lib"), Known("22631", "wsl")),
            "/proc/version",
        ),
        secure_boot=Absent("/sys/firmware/efi"),
        kernel_headers=Absent("/lib/modules"),
    )
    return base.replace(**changes)


def event(kind: str, text: str, pci: str = "", code: int | None = None) -> KernelEvent:
    return KernelEvent(kind, text, code, pci, 5.5)  # type: ignore[arg-type]


def log(*events: KernelEvent) -> Observed[tuple[KernelEvent, ...]]:
    return Known(events, "/dev/kmsg")
