"""The driver's own parts, read without asking it: module, nodes, libraries, packages, daemons."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

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
from gpudoctor.parsers import packages as package_records
from gpudoctor.probes import host
from gpudoctor.system import loader
from gpudoctor.system.port import Port, exists, is_file, look, names, observe, text, which
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
#: nvidia.ko, as Debian, Ubuntu and others name it; not nvidia-drm, -modeset, -uvm, -peermem.
_MODULE = re.compile(
    r"nvidia(?:-open|-current|-current-open|-tesla|-tesla-\d+|-legacy-\d+xx)?\.ko(?:\.(?:xz|zst|gz))?"
)
#: Where distributions put it below /lib/modules/<kernel>; whatever else there is, modules.dep knows.
_FOLDERS = (
    "updates/dkms",
    "updates",
    "updates/nvidia",
    "extra",
    "extra/nvidia",
    "extra/drivers/video/nvidia",
    "weak-updates/nvidia",
    "extramodules",
    "misc",
    "kernel/drivers/video",
    "kernel/drivers/video/nvidia",
)
_DRIVER_VERSION = re.compile(r"\.so\.(\d{3,4}\.\d+(?:\.\d+)?)$")
#: The second is NixOS'.
_MODULE_ROOTS = ("/lib/modules", "/run/booted-system/kernel-modules/lib/modules")


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
    running = host.kernel(port)
    current = running.value if isinstance(running, Known) else ""

    def ask() -> tuple[ModuleFile, ...]:
        found: dict[str, ModuleFile] = {}
        listed = [(root, release) for root in _MODULE_ROOTS for release in names(port, root)]
        if not listed:
            port.listdir(_MODULE_ROOTS[0])  # says why
        for root, release in listed:
            for path in _paths(port, f"{root}/{release}"):
                found.setdefault(port.realpath(path), _module_file(port, path, release, release == current))
        return tuple(found.values())

    return observe(ask, "/lib/modules")


def _paths(port: Port, top: str) -> list[str]:
    folders = [f"{top}/{folder}" for folder in _FOLDERS]
    # Ubuntu's signed, prebuilt modules: kernel/nvidia-550, kernel/nvidia-550srv-open.
    folders += [f"{top}/kernel/{name}" for name in names(port, f"{top}/kernel") if name.startswith("nvidia-")]
    found = [f"{f}/{name}" for f in folders for name in names(port, f) if _MODULE.fullmatch(name)]
    try:
        known_to_modprobe = port.read(f"{top}/modules.dep")
    except OSError:
        return found
    at = known_to_modprobe.find(b"/nvidia")
    while at >= 0:
        start = known_to_modprobe.rfind(b"\n", 0, at) + 1
        line = known_to_modprobe[start : at + 200].partition(b"\n")[0]
        path = line.partition(b":")[0].decode("utf-8", "replace")
        if _MODULE.fullmatch(path.rpartition("/")[2]) and is_file(port, f"{top}/{path}"):
            found.append(f"{top}/{path}")
        at = known_to_modprobe.find(b"/nvidia", start + len(line) + 1)
    return found


def _module_file(port: Port, path: str, release: str, current: bool) -> ModuleFile:
    from gpudoctor.parsers.module_file import ModuleInfo

    info: Observed[ModuleInfo]
    if path.endswith(".ko"):
        info = observe(lambda: _plain(port, path), path)
    elif not current:
        info = Unknown("compressed, and for another kernel")
    else:
        info = observe(lambda: _compressed(port, path), path)
    if not isinstance(info, Known):
        blank: Unknown = info if isinstance(info, Unknown) else Unknown(f"{path} went away")
        return ModuleFile(path, release, blank, blank, blank)
    said = info.value
    flavour = nvrm.flavour_of_license(said.license)
    return ModuleFile(
        path,
        release,
        Known(said.version, path) if said.version else Unknown(f"{path} names no version"),
        Known(flavour, path) if flavour else Unknown(f"{path}: licence {said.license!r}"),
        Known(said.signed, path),
    )


def _plain(port: Port, path: str) -> Any:
    from gpudoctor.parsers.module_file import read_module

    with port.open(path) as file:
        return read_module(file)


def _compressed(port: Port, path: str) -> Any:
    """A proprietary nvidia.ko takes about a second to unpack: only the running kernel's is."""
    from gpudoctor.parsers.module_file import read_stream

    if port.remaining() < 3:
        raise ValueError("no time to unpack it")
    if path.endswith(".zst") and sys.version_info < (3, 14):
        return _asked_of_modinfo(port, path)
    with port.open(path) as file:
        try:
            return read_stream(_unpacked(file, path))
        except (OSError, ValueError):
            raise
        except (
            Exception
        ) as error:  # each library has an error type of its own for data that is not its format
            raise ValueError(f"{type(error).__name__}: {error}") from error


def _asked_of_modinfo(port: Port, path: str) -> Any:
    """kmod's own program reads what Python before 3.14 can't."""
    from gpudoctor.parsers.module_file import parse_modinfo

    program = which(port, "modinfo") or which(port, "modinfo", "/usr/sbin:/sbin")
    if program is None:
        raise ValueError("zstd-compressed, and there is no modinfo to ask")
    ran = port.run((program, path), 3.0)
    if ran.code != 0:
        raise ValueError(f"modinfo: {ran.stderr.strip()[:200] or ran.code}")
    return parse_modinfo(ran.stdout)


def _unpacked(file: IO[bytes], path: str) -> Any:
    if path.endswith(".xz"):
        import lzma

        return lzma.LZMAFile(file)
    if path.endswith(".gz"):
        import gzip

        return gzip.GzipFile(fileobj=file)
    import importlib

    return importlib.import_module("compression.zstd").ZstdFile(file)


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
    status = "/var/lib/dpkg/status"
    dpkg = observe(lambda: package_records.dpkg_status(port.read(status, 64 << 20)), status)
    if not isinstance(dpkg, Absent):
        return dpkg
    local = "/var/lib/pacman/local"
    pacman = observe(lambda: package_records.pacman_local(port.listdir(local)), local)
    if not isinstance(pacman, Absent):
        return pacman
    for database in ("/usr/lib/sysimage/rpm", "/var/lib/rpm"):
        if names(port, database):
            return _rpm(port, database)
    return Absent(f"{status}, {local}, /var/lib/rpm")


def _rpm(port: Port, database: str) -> Observed[tuple[Package, ...]]:
    """rpm's database is rpm's to read, and that takes a while: it is asked where there is a driver to speak of."""
    if not port.live:
        return Unknown(f"{database}: the rpm database is read by rpm alone, which is not run here")
    if not exists(port, "/sys/module/nvidia") and not loader.find(port, "libcuda.so.1"):
        return Unknown("rpm was not asked: no driver library and no module in memory")
    command = ("rpm", "-qa", "--qf", r"%{NAME}\t%{VERSION}-%{RELEASE}\n", "*nvidia*", "cuda-drivers*")

    def ask() -> tuple[Package, ...]:
        ran = port.run(command, 5.0)
        if ran.code != 0:
            raise ValueError(ran.stderr.strip()[:200] or "it failed")
        return package_records.rpm_list(ran.stdout)

    return observe(ask, "rpm -qa")


def changes_since_boot(port: Port) -> Observed[tuple[PackageChange, ...]]:
    booted = host.boot_time(port)
    if not isinstance(booted, Known):
        return Unknown("when the machine was started is not known")

    def ask(path: str, parse: Callable[[str, float], tuple[PackageChange, ...]]) -> tuple[PackageChange, ...]:
        older = observe(lambda: host.tail(port, path + ".1"), path)
        said = host.tail(port, path)
        before = parse(older.value, booted.value) if isinstance(older, Known) else ()
        return before + parse(said, booted.value)

    dpkg = observe(lambda: ask("/var/log/dpkg.log", package_records.dpkg_log), "/var/log/dpkg.log")
    if not isinstance(dpkg, Absent):
        return dpkg
    return observe(lambda: ask("/var/log/pacman.log", package_records.pacman_log), "/var/log/pacman.log")


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
}
