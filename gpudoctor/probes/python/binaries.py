"""The shared objects of a package: their GPU code, what they need of the C library and of CUDA."""

from __future__ import annotations

import re

from gpudoctor.facts.frameworks import Targets
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import elf
from gpudoctor.probes.python.targets import fatbin_targets
from gpudoctor.system.port import Port, names, observe
from gpudoctor.versions import capability, numbers

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
    """What all libraries hold together: packages put the kernels of one GPU generation into a library of its own
    (xformers' FlashAttention 3, SageAttention's sm80, sm89 and sm90). The shares of different libraries can't be added: they
    are told where one library has all the code. Known with no containers when all could be read and none holds any; Absent
    without libraries."""
    if not files:
        return Absent("no shared object in the package")
    read = [fatbin_targets(port, path) for path in files]
    known = [targets for targets in read if isinstance(targets, Known)]
    unread = next((targets for targets in read if isinstance(targets, Unknown)), None)
    coded = [targets for targets in known if targets.value.containers]
    if len(coded) > 1:
        return _united(coded)
    if coded or (known and unread is None):
        return (coded or known)[0]
    return unread or Absent("no shared object in the package")


def _united(found: list[Known[Targets]]) -> Known[Targets]:
    first = max(found, key=lambda targets: targets.value.containers)
    cubins = {cubin for targets in found for cubin in targets.value.cubins}
    ptx = {one for targets in found for one in targets.value.ptx}
    containers = sum(targets.value.containers for targets in found)
    shares = Unknown("several libraries hold the code")
    return Known(
        first.value.replace(
            cubins=tuple(sorted(cubins, key=lambda c: (capability(c.capability), c.variant))),
            ptx=tuple(sorted(ptx, key=lambda p: (capability(p.capability), p.variant, p.isa))),
            containers=containers,
            serving=shares,
        ),
        first.via,
    )


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
    """The CUDA major by the libcudart that the files are linked against ("12"). Absent where all could be read and none is: what
    CUDA runtime there is lies within them, and works in the framework's process or not at all."""
    unread: Unknown | None = None
    for path in files:
        sonames = needed(port, path)
        if isinstance(sonames, Unknown):
            unread = sonames
        for soname in sonames.value if isinstance(sonames, Known) else ():
            match = re.fullmatch(r"libcudart\.so\.(\d+)(?:\.\d+)*", soname)
            if match:
                return Known(match[1], f"{path} needs {soname}")
    return unread or Absent("its libraries are not linked against a CUDA runtime of their own")
