"""Healthy drivers. Composed: versions from NVIDIA's CUDA release notes, node numbers from the driver's README."""

from __future__ import annotations

from gpudoctor.facts.driver import (
    DeviceNode,
    Driver,
    DriverLibrary,
    LoadedModule,
    ModuleFile,
    Package,
    Service,
)
from gpudoctor.facts.observed import Absent, Known, Observed
from tests.machines.parts.host import KERNEL

LIB = "/usr/lib/x86_64-linux-gnu"


def node(
    path: str, minor: int, major: int = 195, mode: int = 0o666, gid: int = 0, error: str = ""
) -> DeviceNode:
    opens: Observed[str] = Known(error, f"open {path}") if error else Absent(f"open {path}")
    return DeviceNode(path, major, minor, mode, 0, gid, True, opens)


def nodes(gpus: int = 1) -> tuple[DeviceNode, ...]:
    return (
        node("/dev/nvidiactl", 255),
        *(node(f"/dev/nvidia{n}", n) for n in range(gpus)),
        node("/dev/nvidia-uvm", 0, 511),
        node("/dev/nvidia-uvm-tools", 1, 511),
    )


def library(name: str, version: str, folder: str = LIB, **changes: object) -> DriverLibrary:
    real = f"{folder}/{name.partition('.so')[0]}.so.{version}"
    base = DriverLibrary(name, f"{folder}/{name}", real, Known(version, real), "loader", 2_000_000)
    return base.replace(**changes)


def installed(
    version: str = "550.163.01", flavour: str = "proprietary", gpus: int = 1, **changes: object
) -> Driver:
    base = Driver(
        module=Known(
            LoadedModule(version, Known(flavour, "/proc/driver/nvidia/version")), "/sys/module/nvidia/version"
        ),
        loaded_modules=Known(("nvidia", "nvidia_modeset", "nvidia_drm", "nvidia_uvm"), "/proc/modules"),
        module_files=Known(
            (
                ModuleFile(
                    f"/lib/modules/{KERNEL}/updates/dkms/nvidia.ko",
                    KERNEL,
                    Known(version, "modinfo"),
                    Known(flavour, "modinfo"),
                    Known(True, "modinfo"),
                ),
            ),
            "/lib/modules",
        ),
        parameters=Known({"DeviceFileMode": "438", "EnableGpuFirmware": "18"}, "/proc/driver/nvidia/params"),
        nodes=Known(nodes(gpus), "/dev"),
        libraries=Known(
            (
                library("libcuda.so.1", version),
                library("libnvidia-ml.so.1", version),
                library("libnvidia-ptxjitcompiler.so.1", version),
            ),
            "/etc/ld.so.cache",
        ),
        packages=Known(
            (Package(f"nvidia-driver-{version.partition('.')[0]}", f"{version}-0ubuntu1"),),
            "/var/lib/dpkg/status",
        ),
        changes_since_boot=Known((), "/var/log/dpkg.log"),
        fabric_manager=Absent("/usr/bin/nv-fabricmanager"),
        persistence_daemon=Known(
            Service("nvidia-persistenced", Known(version, "package"), Known(True, "/proc")), "/proc"
        ),
        blacklisted=Known(("nouveau",), "/etc/modprobe.d"),
        modprobe_helper=Known(True, "/usr/bin/nvidia-modprobe"),
        unattended=Known((), "/etc/apt/apt.conf.d"),
        linkable=Known(f"{LIB}/libcuda.so", LIB),
    )
    return base.replace(**changes)


def missing(**changes: object) -> Driver:
    """No driver at all, as on a machine without an NVIDIA GPU or on a fresh installation."""
    base = Driver(
        module=Absent("/sys/module/nvidia"),
        loaded_modules=Known((), "/proc/modules"),
        module_files=Known((), "/lib/modules"),
        parameters=Absent("/proc/driver/nvidia/params"),
        nodes=Known((), "/dev"),
        libraries=Known((), "/etc/ld.so.cache"),
        packages=Known((), "/var/lib/dpkg/status"),
        changes_since_boot=Known((), "/var/log/dpkg.log"),
        fabric_manager=Absent("/usr/bin/nv-fabricmanager"),
        persistence_daemon=Absent("/usr/bin/nvidia-persistenced"),
        blacklisted=Known((), "/etc/modprobe.d"),
        modprobe_helper=Absent("/usr/bin/nvidia-modprobe"),
        unattended=Known((), "/etc/apt/apt.conf.d"),
        linkable=Absent("no libcuda.so.1"),
    )
    return base.replace(**changes)


def module_file(version: str, kernel: str = KERNEL, **changes: object) -> ModuleFile:
    """An unsigned nvidia.ko of the proprietary flavour, as DKMS leaves it."""
    path = f"/lib/modules/{kernel}/updates/dkms/nvidia.ko"
    base = ModuleFile(path, kernel, Known(version, path), Known("proprietary", path), Known(False, path))
    return base.replace(**changes)


def not_loaded(version: str = "550.163.01", **changes: object) -> Driver:
    """An installed driver whose module is not in memory."""
    base = installed(
        version,
        module=Absent("/sys/module/nvidia/version, /proc/driver/nvidia/version"),
        loaded_modules=Known((), "/proc/modules"),
        parameters=Absent("/proc/driver/nvidia/params"),
        nodes=Known((), "/dev"),
    )
    return base.replace(**changes)
