"""The shared objects of a package: their GPU code, what they need of the C library and of CUDA."""

from __future__ import annotations

import re

from gpudoctor.facts.frameworks import Targets
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import elf
from gpudoctor.probes.python.targets import fatbin_targets
from gpudoctor.system.port import Port, names, observe
from gpudoctor.versions import numbers

#: A package with more libraries than this is read in part; no extension known has as many.
MOST_FILES = 40


def libraries(port: Port, folder: str, prefix: str = "", deep: bool = True) -> list[str]:
    """Shared objects in a folder (and, `deep`, one below), whose names start with `prefix`."""
    found = []
    for name in names(port, folder):
        if ".so" in name and name.startswith(prefix) and re.search(r"\.so(\.\d+)*$", name):
            found.append(f"{folder}/{name}")
        elif deep and "." not in name and not name.startswith("_"):
            found += libraries(port, f"{folder}/{name}", prefix, deep=False)
    return found[:MOST_FILES]


def joined_targets(port: Port, files: list[str]) -> Observed[Targets]:
    """The one library with GPU code, or, of several, the one with the most containers: counts of different libraries
    can't be added. Known with no containers when all could be read and none holds any; Absent without libraries."""
    if not files:
        return Absent("no shared object in the package")
    best: Known[Targets] | None = None
    unread: Unknown | None = None
    for path in files:
        targets = fatbin_targets(port, path)
        if isinstance(targets, Unknown):
            unread = targets
        elif isinstance(targets, Known) and (
            best is None or targets.value.containers > best.value.containers
        ):
            best = targets
    if best is not None and (best.value.containers or unread is None):
        return best
    return unread or Absent("no shared object in the package")


def _elf(port: Port, path: str) -> Observed[elf.Elf]:
    def read() -> elf.Elf:
        with port.open(path) as file:
            return elf.read(file)

    return port.memo(f"elf:{path}", lambda: observe(read, path))


def glibc(port: Port, path: str) -> Observed[str]:
    """The newest GLIBC_x.y that a library wants."""
    found = _elf(port, path)
    if not isinstance(found, Known):
        return found
    wanted = [
        name[6:]
        for need in found.value.versions
        for name in need.versions
        if re.fullmatch(r"GLIBC_\d+(\.\d+)+", name)
    ]
    return Known(max(wanted, key=numbers), path) if wanted else Absent(path)


def newest_glibc(port: Port, files: list[str]) -> Observed[str]:
    found = [g for g in (glibc(port, path) for path in files[:8]) if isinstance(g, Known)]
    return max(found, key=lambda g: numbers(g.value)) if found else Absent("its libraries")


def needed(port: Port, path: str) -> Observed[tuple[str, ...]]:
    """The sonames of CUDA libraries that a library is linked against."""
    found = _elf(port, path)
    if not isinstance(found, Known):
        return found
    cuda = re.compile(r"lib(?:cu|nv|nccl)\w*\.so\.\d+.*")
    return Known(
        tuple(n for n in found.value.needed if cuda.fullmatch(n) and not n.startswith("libcuda.")), path
    )


def major_of(sonames: Observed[tuple[str, ...]], stem: str, otherwise: Observed[str]) -> Observed[str]:
    """The major in the soname of one of the libraries ("libcudart.so.12" -> "12")."""
    for soname in sonames.value if isinstance(sonames, Known) else ():
        match = re.fullmatch(rf"{stem}\.so\.(\d+)(?:\.\d+)*", soname)
        if match and isinstance(sonames, Known):
            return Known(match[1], f"{sonames.via} needs {soname}")
    return otherwise


def needed_cuda(port: Port, files: list[str]) -> Observed[str]:
    """The CUDA major by the libcudart that the files are linked against ("12")."""
    for path in files:
        sonames = needed(port, path)
        for soname in sonames.value if isinstance(sonames, Known) else ():
            match = re.fullmatch(r"libcudart\.so\.(\d+)(?:\.\d+)*", soname)
            if match:
                return Known(match[1], f"{path} needs {soname}")
    return Unknown("its libraries are not linked against a CUDA runtime of their own")
