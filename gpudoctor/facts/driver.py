"""The driver's own parts: the module in memory, the modules on disk, device nodes, user-space libraries, packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record

Flavour = Literal["open", "proprietary"]


class LoadedModule(Record):
    """nvidia.ko in memory. `version` such as "550.163.01" (/sys/module/nvidia/version or /proc/driver/nvidia/version)."""

    version: str
    flavour: Observed[Flavour] = UNASKED


class ModuleFile(Record):
    """nvidia.ko on disk, for one kernel release. `signed`: it carries a signature appended by kmodsign or sign-file."""

    path: str
    kernel: str
    version: Observed[str] = UNASKED
    flavour: Observed[Flavour] = UNASKED
    signed: Observed[bool] = UNASKED


class DeviceNode(Record):
    """A node in /dev. `mode` as in stat's permission bits; `open_error` is the errno name ("EPERM", "EACCES",
    "ENXIO", "EIO") that opening it for reading and writing gives, Absent when it opens."""

    path: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int
    is_device: bool = True
    open_error: Observed[str] = UNASKED


class DriverLibrary(Record):
    """A copy of a library that belongs to the driver.

    `name` is the soname ("libcuda.so.1"); `path` where the loader or a search finds it; `real_path` after
    links; `version` the driver version from the file's name or its version strings. `origin`: how it is found.
    `stub`: the toolkit's link-time stub. `size` in bytes (0: a bind-mount target baked into an image).
    """

    name: str
    path: str
    real_path: str
    version: Observed[str] = UNASKED
    origin: Literal["loader", "ld-library-path", "wsl", "compat", "stub", "unreached"] = "loader"
    size: int = -1


class Package(Record):
    """A distribution's package. `state`: installed, or half-installed/half-configured/unpacked/config-files."""

    name: str
    version: str
    state: str = "installed"
    manager: Literal["dpkg", "rpm", "pacman", "nix", "unknown"] = "dpkg"


class PackageChange(Record):
    """A line of the package manager's log. `when`: seconds since the epoch."""

    when: float
    action: str
    name: str
    old: str
    new: str


class Service(Record):
    """A daemon. `version` of its program where known; `running` by its process."""

    name: str
    version: Observed[str] = UNASKED
    running: Observed[bool] = UNASKED


class Driver(Record):
    """Everything of the driver that can be read without asking it.

    `blacklisted`: GPU modules that modprobe may not load (`blacklist`, `install ... /bin/false`, kernel command line).
    `modprobe_helper`: nvidia-modprobe is there; its value: it is set-uid root, so that any user's first CUDA program
    loads nvidia-uvm and makes the nodes.
    `linkable`: the file that `-lcuda` links with, libcuda.so beside the loader's libcuda.so.1 (Absent: not there).
    `unattended`: installed driver packages that the machine upgrades by itself, under the running module (Absent: it
    upgrades nothing by itself).
    """

    module: Observed[LoadedModule] = UNASKED
    loaded_modules: Observed[tuple[str, ...]] = UNASKED
    module_files: Observed[tuple[ModuleFile, ...]] = UNASKED
    parameters: Observed[Mapping[str, str]] = UNASKED
    nodes: Observed[tuple[DeviceNode, ...]] = UNASKED
    libraries: Observed[tuple[DriverLibrary, ...]] = UNASKED
    packages: Observed[tuple[Package, ...]] = UNASKED
    changes_since_boot: Observed[tuple[PackageChange, ...]] = UNASKED
    fabric_manager: Observed[Service] = UNASKED
    persistence_daemon: Observed[Service] = UNASKED
    blacklisted: Observed[tuple[str, ...]] = UNASKED
    modprobe_helper: Observed[bool] = UNASKED
    unattended: Observed[tuple[str, ...]] = UNASKED
    linkable: Observed[str] = UNASKED
