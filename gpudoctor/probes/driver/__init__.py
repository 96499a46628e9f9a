"""The driver's own parts, read without asking it: module, nodes, libraries, packages, daemons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gpudoctor.facts.driver import (
    DeviceNode,
    DriverLibrary,
    LoadedModule,
    ModuleFile,
    Package,
    PackageChange,
    Service,
)
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import modprobe, nvrm, proc
from gpudoctor.probes.driver import unattended
from gpudoctor.system import loader
from gpudoctor.system.port import Port, exists, look, names, observe, text
from gpudoctor.system.processes import commands

PROC = "/proc/driver/nvidia"
#: Libraries of the driver that somebody loads by name. libcuda and libnvidia-ml first: they answer for all.
SONAMES = (
    "libcuda.so.1",
    "libnvidia-ml.so.1",
    "libnvidia-ptxjitcompiler.so.1",
    "libnvidia-nvvm.so.4",
    "libnvcuvid.so.1",
    "libnvidia-encode.so.1",
    "libnvidia-opticalflow.so.1",
    "libnvoptix.so.1",
    "libcudadebugger.so.1",
)
#: Modules that drive a GPU, help to, or take it away.
_GPU_MODULES = ("nvidia", "nouveau", "nova", "vfio", "gdrdrv", "nvgpu", "dxgkrnl", "mlx5_ib", "ib_umad")
_DRIVER_VERSION = re.compile(r"\.so\.(\d{3,4}\.\d+(?:\.\d+)?)$")


def module(port: Port) -> Observed[LoadedModule]:
    """The module in memory. In most containers /proc/driver/nvidia is hidden or mounted, /sys/module is not."""
    said = observe(lambda: nvrm.version(text(port, f"{PROC}/version")), f"{PROC}/version")
    path = "/sys/module/nvidia/version"
    loaded = observe(lambda: _version(text(port, path).strip()), path)
    if isinstance(loaded, Known):
        flavour: Observed[Any] = (
            said.value.flavour
            if isinstance(said, Known) and said.value.version == loaded.value
            else Unknown(f"{PROC}/version does not say")
        )
        return Known(LoadedModule(loaded.value, flavour), path)
    if isinstance(said, Known) or isinstance(loaded, Unknown):
        return said if isinstance(said, Known) else loaded
    return said if isinstance(said, Unknown) else Absent(f"{path}, {PROC}/version")


def _version(said: str) -> str:
    if not re.fullmatch(r"\d{2,4}\.\d+(?:\.\d+)?", said):
        raise ValueError(f"{said[:40]!r} is no driver version")
    return said


def loaded_modules(port: Port) -> Observed[tuple[str, ...]]:
    def ask() -> tuple[str, ...]:
        return tuple(n for n in proc.module_names(text(port, "/proc/modules")) if n.startswith(_GPU_MODULES))

    return observe(ask, "/proc/modules")


def module_files(port: Port) -> Observed[tuple[ModuleFile, ...]]:
    """nvidia.ko of every kernel that has modules here; a running kernel without any is the news."""
    from gpudoctor.probes.driver.files import on_disk

    return on_disk(port)


def parameters(port: Port) -> Observed[Mapping[str, str]]:
    return observe(lambda: nvrm.parameters(text(port, f"{PROC}/params")), f"{PROC}/params")


def nodes(port: Port) -> Observed[tuple[DeviceNode, ...]]:
    def ask() -> tuple[DeviceNode, ...]:
        entries = port.listdir("/dev")
        paths = [f"/dev/{n}" for n in entries if n.startswith("nvidia") and n != "nvidia-caps"]
        paths += (
            [f"/dev/nvidia-caps/{n}" for n in names(port, "/dev/nvidia-caps")]
            if "nvidia-caps" in entries
            else []
        )
        return tuple(node for path in paths if (node := _node(port, path)) is not None)

    return observe(ask, "/dev")


def _node(port: Port, path: str) -> DeviceNode | None:
    try:
        info = port.stat(path)
    except OSError:
        return None
    is_device = info.kind == "char"
    opens = _opening(port, path, info.major) if is_device else Absent(f"{path} is no device")
    return DeviceNode(path, info.major, info.minor, info.mode, info.uid, info.gid, is_device, opens)


def _opening(port: Port, path: str, major: int) -> Observed[str]:
    """Open it, unless that would change something: opening a node whose driver is not there makes the kernel load
    a module, and opening a sleeping GPU wakes it."""
    if not re.fullmatch(r"/dev/nvidia(?:ctl|\d+|-uvm)", path):
        return Unknown("not opened: only nvidiactl, nvidiaN and nvidia-uvm are tried")
    if not port.live:
        return Unknown("devices are not opened under --root")
    majors = observe(lambda: proc.char_majors(text(port, "/proc/devices")), "/proc/devices")
    if not isinstance(majors, Known) or major not in majors.value:
        return Unknown(f"not opened: no driver has registered major {major}")
    if path[len("/dev/nvidia") :].isdigit() and not port.options.wake and _asleep(port):
        return Unknown("not opened: a GPU sleeps, and opening it would wake it", "wake")
    error = port.try_open(path)
    return Known(error, f"open {path}") if error else Absent(f"open {path}")


def _asleep(port: Port) -> bool:
    """Some GPU of the nvidia driver is runtime-suspended. Which node is which GPU is not worth finding out."""

    def ask() -> bool:
        top = "/sys/bus/pci/drivers/nvidia"
        statuses = [look(port, f"{top}/{a}/power/runtime_status") for a in names(port, top) if ":" in a]
        return any(isinstance(s, Known) and s.value == "suspended" for s in statuses)

    return port.memo("driver.asleep", ask)


def libraries(port: Port) -> Observed[tuple[DriverLibrary, ...]]:
    """Every copy of the driver's libraries, the loader's choice of each name first."""
    found: list[DriverLibrary] = []
    for soname in SONAMES:
        found += [_library(port, soname, f.path, f.source, f.empty) for f in loader.find(port, soname)]
        found += [
            _library(port, soname, f.path, "unreached", f.empty) for f in loader.unreached(port, soname)
        ]
    return Known(tuple(found), "LD_LIBRARY_PATH, /etc/ld.so.cache and the default folders")


def linkable(port: Port) -> Observed[str]:
    """libcuda.so beside one of the libcuda.so.1 that the loader could take."""
    folders = list(dict.fromkeys(f.path.rpartition("/")[0] for f in loader.find(port, "libcuda.so.1")))
    for folder in folders:
        if exists(port, f"{folder}/libcuda.so"):
            return Known(f"{folder}/libcuda.so", folder)
    return Absent(", ".join(folders) or "no libcuda.so.1")


def _library(port: Port, soname: str, path: str, source: str, empty: bool) -> DriverLibrary:
    real = port.realpath(path)
    version = _DRIVER_VERSION.search(real)
    try:
        size = port.stat(path).size
    except OSError:
        size = 0 if empty else -1
    return DriverLibrary(
        soname,
        path,
        real,
        Known(version[1], real) if version else Unknown(f"the name of {real} has no driver version"),
        _origin(path, real, source),
        size,
    )


def _origin(path: str, real: str, source: str) -> Any:
    if "/stubs/" in path or "/stubs/" in real:
        return "stub"
    if source == "unreached":
        return "unreached"
    if "/compat/" in path or "/compat/" in real or "/compat_orin/" in real:
        return "compat"
    if real.startswith("/usr/lib/wsl/") or path.startswith("/usr/lib/wsl/"):
        return "wsl"
    return "ld-library-path" if source == loader.LIBRARY_PATH else "loader"


def packages(port: Port) -> Observed[tuple[Package, ...]]:
    return port.memo("driver.packages", lambda: _packages(port))


def _packages(port: Port) -> Observed[tuple[Package, ...]]:
    from gpudoctor.probes.driver.records import installed

    return installed(port)


def changes_since_boot(port: Port) -> Observed[tuple[PackageChange, ...]]:
    from gpudoctor.probes.driver.records import changed

    return changed(port)


def fabric_manager(port: Port) -> Observed[Service]:
    return _service(port, "nv-fabricmanager", "nvidia-fabricmanager")


def persistence_daemon(port: Port) -> Observed[Service]:
    return _service(
        port, "nvidia-persistenced", "nvidia-persistenced|^nvidia-compute-utils|^nvidia-persistenced"
    )


def _service(port: Port, program: str, package: str) -> Observed[Service]:
    path = f"/usr/bin/{program}"
    there = observe(lambda: port.stat(path), path)
    if not isinstance(there, Known):
        running = _running(port, program)
        if isinstance(running, Known) and running.value:  # in a driver container (the GPU operator's)
            return Known(Service(program, Unknown("it runs in a container"), running), running.via)
        return there
    version: Observed[str] = Unknown("no package names its version")
    installed = packages(port)
    for one in installed.value if isinstance(installed, Known) else ():
        if re.search(package, one.name) and (match := re.search(r"\d{3,4}\.\d+(?:\.\d+)?", one.version)):
            version = Known(match[0], installed.via if isinstance(installed, Known) else "")
    return Known(Service(program, version, _running(port, program)), path)


def _running(port: Port, program: str) -> Observed[bool]:
    running = commands(port)
    if not isinstance(running, Known):
        return running
    if 1 not in running.value:
        return Unknown("/proc/*/comm: other users' processes are hidden")
    return Known(program[:15] in running.value.values(), running.via)


def blacklisted(port: Port) -> Observed[tuple[str, ...]]:
    """modprobe.d(5): a file in /etc hides one of the same name further down."""

    def ask() -> tuple[str, ...]:
        files: dict[str, str] = {}
        for folder in (
            "/etc/modprobe.d",
            "/run/modprobe.d",
            "/usr/local/lib/modprobe.d",
            "/usr/lib/modprobe.d",
            "/lib/modprobe.d",
        ):
            for name in names(port, folder):
                if name.endswith(".conf"):
                    files.setdefault(name, f"{folder}/{name}")
        found: list[str] = []
        for path in files.values():
            found += _forbidden(port, path)
        line = observe(lambda: modprobe.command_line(text(port, "/proc/cmdline")), "/proc/cmdline")
        found += line.value if isinstance(line, Known) else ()
        return tuple(dict.fromkeys(name for name in found if name.startswith(_GPU_MODULES)))

    return observe(ask, "/etc/modprobe.d, /proc/cmdline")


def _forbidden(port: Port, path: str) -> tuple[str, ...]:
    said = look(port, path)
    return modprobe.configured(said.value) if isinstance(said, Known) else ()


def modprobe_helper(port: Port) -> Observed[bool]:
    """nvidia-modprobe with the set-uid bit of root: then any user's first CUDA program loads what is missing."""
    path = "/usr/bin/nvidia-modprobe"

    def ask() -> bool:
        info = port.stat(path)
        return info.uid == 0 and bool(info.mode & 0o4000)

    return observe(ask, path)


FIELDS: Mapping[str, Callable[[Port], Any]] = {
    "module": module,
    "loaded_modules": loaded_modules,
    "module_files": module_files,
    "parameters": parameters,
    "nodes": nodes,
    "libraries": libraries,
    "packages": packages,
    "changes_since_boot": changes_since_boot,
    "fabric_manager": fabric_manager,
    "persistence_daemon": persistence_daemon,
    "blacklisted": blacklisted,
    "modprobe_helper": modprobe_helper,
    "unattended": unattended.packages,
    "linkable": linkable,
}
