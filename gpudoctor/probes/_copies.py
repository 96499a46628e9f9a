"""Every copy of a CUDA user library, by the places where copies lie."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gpudoctor.facts.libraries import Library, Origin
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.parsers.cudalibs import PACKAGES, family_of, maybe, soname_of, version_in
from gpudoctor.system import loader
from gpudoctor.system.port import Port, names, text

#: Where distributions and NVIDIA put whole toolkits, beside /usr/local/cuda*.
_TOOLKITS = ("/opt/cuda", "/usr/lib/cuda", "/usr/lib/nvidia-cuda-toolkit")
#: Folders of a toolkit that hold libraries.
_INSIDE = ("lib64", "lib", "nvvm/lib64", "extras/CUPTI/lib64")
_CUDNN_H = r"#define CUDNN_(MAJOR|MINOR|PATCHLEVEL)\s+(\d+)"


class Place(Record):
    """A folder to look in. `owner`: prefix of the environment or the toolkit; `site`: the site folder of a wheel's."""

    folder: str
    origin: Origin
    owner: str = ""
    site: str = ""


class Site(Record):
    """A site folder and the prefix of the interpreter that imports from it."""

    folder: str
    prefix: str


def copies(port: Port, sites: Iterable[Site] = (), conda: Iterable[str] = ()) -> tuple[Library, ...]:
    """One entry for each file, however many names and links lead to it; the place that the loader reaches comes first."""
    sites = tuple(sites)
    owned = wheel_places(port, sites) + conda_places(conda) + toolkit_places(port)
    owners = {port.realpath(p.folder): p for p in reversed(owned)}
    found: dict[str, Library] = {}
    seen: set[str] = set()
    for place in [*_reached(port), *owned]:
        real_folder = port.realpath(place.folder)
        if real_folder in seen:
            continue
        seen.add(real_folder)
        owner = owners.get(real_folder, place)
        for library in _in(port, place, owner):
            found.setdefault(_identity(port, library), library)
    return tuple(found.values())


def _identity(port: Port, library: Library) -> str:
    """One file under two names in two folders (hard links, as conda and uv make them) is one copy."""
    try:
        info = port.stat(library.real_path)
    except OSError:
        return library.real_path
    return f"{info.inode}:{info.size}:{info.mtime}" if info.inode else library.real_path


def _reached(port: Port) -> list[Place]:
    """The folders of the loader's own search."""
    places = [Place(d.path, "ld-library-path") for d in loader.library_path(port)]
    cached = dict.fromkeys(e.path.rpartition("/")[0] for e in loader.cache(port) if maybe(e.name))
    places += [Place(folder, "loader-cache") for folder in cached]
    return places + [Place(folder, "default-dir") for folder in loader.default_dirs(port)]


def wheel_places(port: Port, sites: Iterable[Site]) -> list[Place]:
    """nvidia/<component>/lib (CUDA 11 and 12), nvidia/cu13/lib (13), tensorrt_libs, and libraries bundled by torch."""
    places: list[Place] = []
    for site in sites:
        for component in names(port, f"{site.folder}/nvidia"):
            folder = f"{site.folder}/nvidia/{component}/lib"
            if names_in(port, folder):
                places.append(Place(folder, "wheel", site.prefix, site.folder))
        for inside in ("tensorrt_libs", "torch/lib"):
            if names_in(port, f"{site.folder}/{inside}"):
                places.append(Place(f"{site.folder}/{inside}", "wheel", site.prefix, site.folder))
    return places


def conda_places(prefixes: Iterable[str]) -> list[Place]:
    return [Place(f"{prefix}/lib", "conda", prefix) for prefix in dict.fromkeys(prefixes)]


def toolkit_places(port: Port) -> list[Place]:
    local = [f"/usr/local/{name}" for name in names(port, "/usr/local") if name.startswith("cuda")]
    named = [port.env[name] for name in ("CUDA_HOME", "CUDA_PATH") if port.env.get(name, "").startswith("/")]
    places: list[Place] = []
    for prefix in dict.fromkeys([*local, *_TOOLKITS, *named]):
        prefix = port.realpath(prefix)
        inside = [f"{prefix}/{folder}" for folder in _INSIDE]
        inside += [f"{prefix}/targets/{target}/lib" for target in names(port, f"{prefix}/targets")]
        places += [Place(f, "toolkit", prefix) for f in inside if names_in(port, f)]
        stubs = [f"{f}/stubs" for f in inside if "stubs" in names_in(port, f)]
        places += [Place(f, "toolkit", prefix) for f in stubs]
    return places


def names_in(port: Port, folder: str) -> frozenset[str]:
    """A folder's names, once per port: a search asks the same folders for dozens of names."""
    return port.memo(f"process.names:{folder}", lambda: frozenset(names(port, folder)))


# ---------------------------------------------------------------- one folder


def _in(port: Port, place: Place, owner: Place) -> list[Library]:
    listed = names_in(port, place.folder)
    stubs = place.folder.rstrip("/").endswith("/stubs")
    if stubs:
        return [
            _library(port, place, owner, "libcuda-stub", name, [name])
            for name in ("libcuda.so.1", "libcuda.so")
            if name in listed
        ]
    files: dict[str, list[str]] = {}
    for name in listed:
        if maybe(name) and family_of(name):
            files.setdefault(port.realpath(f"{place.folder}/{name}"), []).append(name)
    made = []
    for real, aliases in sorted(files.items()):
        soname = soname_of(aliases) or _soname_in(port, real) or min(aliases)
        made.append(_library(port, place, owner, family_of(aliases[0]), soname, aliases))
    return [library for library in made if library.size >= 0]


def _library(port: Port, place: Place, owner: Place, family: str, soname: str, aliases: list[str]) -> Library:
    path = f"{place.folder}/{soname if soname in aliases else min(aliases)}"
    real = port.realpath(path)
    try:
        size = port.stat(real).size
    except OSError:
        size = -1
    version, package = _version(port, owner, family, soname, real)
    return Library(family, soname, path, real, place.origin, version, owner.owner, size, package)


def _soname_in(port: Port, path: str) -> str:
    from gpudoctor.probes._process import elf_of

    elf = elf_of(port, path)
    return elf.soname if elf else ""


def _version(port: Port, owner: Place, family: str, soname: str, real: str) -> tuple[Observed[str], str]:
    """(version, the wheel's distribution): from the file's name, else its package's record, else a header beside it."""
    package = ""
    if owner.site:
        component = real.rpartition("/lib/")[0].rpartition("/")[2]
        records = [r for r in _distributions(port, owner.site) if _brings(r[0], component, family)]
        package = ", ".join(name for name, _ in records)
    named = version_in(real)
    if named:
        return Known(named, real), package
    if owner.site and package:
        if len(records) == 1:
            return Known(records[0][1], f"{owner.site}: {package}"), package
        header = _header(port, real, family)
        return header or Unknown(f"{package} write the same file"), package
    if owner.origin == "conda":
        recorded = _conda_version(port, owner.owner, family)
        if recorded:
            return Known(recorded, f"{owner.owner}/conda-meta"), package
    return _header(port, real, family) or Unknown(f"nothing beside {real} says it"), package


def _distributions(port: Port, site: str) -> tuple[tuple[str, str], ...]:
    """(normalised name, version) of NVIDIA's and TensorRT's distributions, by the names of their records."""

    def ask() -> tuple[tuple[str, str], ...]:
        found = []
        for name in names_in(port, site):
            if name.startswith(("nvidia", "tensorrt")) and name.endswith(".dist-info"):
                package, _, version = name.removesuffix(".dist-info").partition("-")
                found.append((package.replace("_", "-").replace(".", "-").lower(), version))
        return tuple(sorted(found))

    return port.memo(f"libraries.distributions:{site}", ask)


def _brings(distribution: str, component: str, family: str) -> bool:
    """Does this distribution bring the family's file in nvidia/<component>/lib?"""
    if component == "tensorrt_libs" or family == "tensorrt":
        return distribution.startswith("tensorrt") and distribution.endswith("-libs")
    base = PACKAGES.get(family, "")
    if component == "cu13":  # of the toolkit's parts a "-cu13" is a placeholder; cuSPARSELt's is real
        return distribution in (base, f"{base}-cu13")
    return bool(re.fullmatch(rf"{re.escape(base)}-cu\d+", distribution))


_CONDA = {"cudart": ("cuda-cudart", "cudatoolkit"), "nvrtc": ("cuda-nvrtc",), "cupti": ("cuda-cupti",)}


def _conda_version(port: Port, prefix: str, family: str) -> str:
    wanted = _CONDA.get(family, (f"lib{family}", family))
    for name in names_in(port, f"{prefix}/conda-meta"):
        package, _, rest = name.removesuffix(".json").rpartition("-")
        package, _, version = package.rpartition("-")
        if package in wanted and rest:
            return version
    return ""


def _header(port: Port, real: str, family: str) -> Observed[str] | None:
    if family != "cudnn":
        return None
    prefix = re.sub(r"/(lib64|lib)(/[^/]+-linux-gnu)?/[^/]*$", "", real)
    folders = (
        f"{prefix}/include",
        f"{prefix}/include/x86_64-linux-gnu",
        f"{prefix}/include/aarch64-linux-gnu",
    )
    for folder in folders:
        for name in ("cudnn_version.h", "cudnn_version_v9.h", "cudnn_version_v8.h"):
            if name not in names_in(port, folder):
                continue
            try:
                parts = dict(re.findall(_CUDNN_H, text(port, f"{folder}/{name}", 1 << 16)))
            except OSError:
                continue
            if len(parts) == 3:
                version = f"{parts['MAJOR']}.{parts['MINOR']}.{parts['PATCHLEVEL']}"
                return Known(version, f"{folder}/{name}")
    return None
