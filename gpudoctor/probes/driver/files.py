"""nvidia.ko on disk, for each kernel that has modules."""

from __future__ import annotations

import re
import sys
from typing import IO, Any

from gpudoctor.facts.driver import ModuleFile
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.parsers import nvrm
from gpudoctor.probes import host
from gpudoctor.system.port import Port, is_file, names, observe, which

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
#: The second is NixOS'.
_MODULE_ROOTS = ("/lib/modules", "/run/booted-system/kernel-modules/lib/modules")


def on_disk(port: Port) -> Observed[tuple[ModuleFile, ...]]:
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
