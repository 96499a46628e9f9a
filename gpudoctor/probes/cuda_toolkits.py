"""Where CUDA toolkits lie, and what one holds. Only files are looked at; nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.cuda import CompilerLimits, Tool, Toolkit
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, first_known, mapped
from gpudoctor.parsers import cuda_version, host_config
from gpudoctor.probes.cuda_programs import follow, on_path, program_version
from gpudoctor.system.port import Port, exists, is_dir, is_file, names, observe, text
from gpudoctor.versions import is_version, release

TOOLS = ("nvcc", "ptxas", "nvlink", "fatbinary", "cudafe++", "nvdisasm")
#: Variables that name a toolkit's prefix.
PREFIX_VARIABLES = (
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_ROOT",
    "CUDAToolkit_ROOT",
    "CUDA_TOOLKIT_ROOT_DIR",
    "CONDA_PREFIX",
)
#: Debian's package spreads one toolkit over /usr; its programs and libdevice lie here.
DEBIAN = "/usr/lib/nvidia-cuda-toolkit"
SYSTEM_PREFIXES = ("", "/", "/usr", "/usr/local", "/opt")
#: cuda_runtime_api.h has its version in the first few kB of 600.
HEADER_LIMIT = 64 << 10

T = TypeVar("T")
Origin = Literal["runfile", "distribution", "conda", "wheel", "hpc-sdk", "nix", "unknown"]


# ---------------------------------------------------------------- finding


def find(port: Port) -> tuple[Toolkit, ...]:
    """Every toolkit once, under the name that is no link where it has one."""
    return port.memo("toolkits", lambda: _find(port))


def _find(port: Port) -> tuple[Toolkit, ...]:
    spelled: dict[str, str] = {}
    for prefix in _candidates(port):
        real = port.realpath(prefix)
        if real not in spelled or prefix == real:
            spelled[real] = prefix
    found = [
        describe(port, prefix, real)
        for real, prefix in spelled.items()
        if real.startswith("/") and looks_like_one(port, real)
    ]
    return tuple(found)


def looks_like_one(port: Port, prefix: str) -> bool:
    """A folder with nvcc or ptxas in it, or with a toolkit's version file."""
    return any(
        exists(port, f"{prefix}/{name}") for name in ("bin/nvcc", "bin/ptxas", "version.json", "version.txt")
    )


def _candidates(port: Port) -> Iterator[str]:
    yield from _usual(port)
    for nvcc in [
        *on_path(port, "nvcc"),
        port.env.get("CUDACXX", ""),
        port.env.get("CMAKE_CUDA_COMPILER", ""),
    ]:
        if nvcc.startswith("/"):
            yield prefix_of(follow(port, nvcc, "nvcc").real_path)
    for ptxas in on_path(port, "ptxas"):
        yield prefix_of(follow(port, ptxas, "ptxas").real_path)
    for variable in PREFIX_VARIABLES:
        if (value := port.env.get(variable, "").rstrip("/")).startswith("/"):
            if exists(port, f"{value}/bin/nvcc"):
                yield prefix_of(follow(port, f"{value}/bin/nvcc", "nvcc").real_path)
            if value not in SYSTEM_PREFIXES:
                yield value
    for prefix in [
        p for folder in _library_folders(port) if (p := _library_prefix(folder)) not in SYSTEM_PREFIXES
    ]:
        yield prefix
        yield from _siblings(port, prefix)
    yield from _wheels(port)


def _usual(port: Port) -> Iterator[str]:
    for folder in ("/usr/local", "/opt"):
        yield from (f"{folder}/{name}" for name in names(port, folder) if name.startswith("cuda"))
    yield from ("/usr/lib/cuda", DEBIAN)
    for machine in names(port, "/opt/nvidia/hpc_sdk"):
        for year in names(port, f"/opt/nvidia/hpc_sdk/{machine}"):
            cuda = f"/opt/nvidia/hpc_sdk/{machine}/{year}/cuda"
            yield from (f"{cuda}/{name}" for name in names(port, cuda) if is_version(name))


def prefix_of(program: str) -> str:
    """The toolkit that a program belongs to: the folder above its bin; "" when it lies in no bin."""
    folder = program.rpartition("/")[0]
    return folder[: -len("/bin")] if folder.endswith("/bin") else ""


def _library_folders(port: Port) -> list[str]:
    folders = [f for f in port.env.get("LD_LIBRARY_PATH", "").split(":") if f.startswith("/")]
    for name in names(port, "/etc/ld.so.conf.d"):
        said = _parsed(port, f"/etc/ld.so.conf.d/{name}", str, 1 << 16)
        if isinstance(said, Known):
            folders += [line.strip() for line in said.value.splitlines() if line.startswith("/")]
    return list(dict.fromkeys(folders))


def _library_prefix(folder: str) -> str:
    """The toolkit that a library folder would belong to: /x/lib64, /x/extras/CUPTI/lib64, /x/targets/*/lib -> /x."""
    folder = folder.rstrip("/")
    head, _, last = folder.rpartition("/")
    if last not in ("lib", "lib64"):
        return ""
    for inner in ("/extras/CUPTI", "/nvvm"):
        if head.endswith(inner):
            return head[: -len(inner)]
    above, _, targets = head.rpartition("/")[0].rpartition("/")
    return above if targets == "targets" else head


def _siblings(port: Port, prefix: str) -> Iterator[str]:
    """Runfiles are unpacked side by side (cuda1204, cuda1206 ...): where something points to one, see the others."""
    parent, _, name = prefix.rpartition("/")
    if parent in SYSTEM_PREFIXES or "cuda" not in name.lower() or not looks_like_one(port, prefix):
        return
    yield from (f"{parent}/{other}" for other in names(port, parent)[:500] if "cuda" in other.lower())


def _wheels(port: Port) -> Iterator[str]:
    for site in site_folders(port):
        for name in names(port, f"{site}/nvidia"):
            if name == "cuda_nvcc" or (name.startswith("cu") and name[2:].isdigit()):
                yield f"{site}/nvidia/{name}"


def site_folders(port: Port) -> tuple[str, ...]:
    """Where the Pythons at hand keep their packages: this one's, the active environment's, PATH's, the system's."""
    return port.memo("site-folders", lambda: tuple(dict.fromkeys(_site_folders(port))))


def _site_folders(port: Port) -> Iterator[str]:
    prefixes = [sys.prefix] if port.live else []
    prefixes += [port.env.get("VIRTUAL_ENV", ""), port.env.get("CONDA_PREFIX", "")]
    prefixes += [prefix_of(python) for python in (*_asked_for(port), *on_path(port, "python3")[:1])]
    if home := port.env.get("HOME", ""):
        prefixes.append(f"{home}/.local")
    for prefix in dict.fromkeys(p.rstrip("/") for p in prefixes if p.startswith("/")):
        for name in names(port, f"{prefix}/lib"):
            if name.startswith("python3."):
                yield f"{prefix}/lib/{name}/site-packages"
    yield "/usr/lib/python3/dist-packages"
    for name in names(port, "/usr/local/lib"):
        if name.startswith("python3."):
            yield f"/usr/local/lib/{name}/dist-packages"
            yield f"/usr/local/lib/{name}/site-packages"


def _asked_for(port: Port) -> Iterator[str]:
    """The interpreters of --python: each may be named by its path, its environment's folder, or a Jupyter kernel."""
    from gpudoctor.probes.python import select

    for wanted in port.options.pythons:
        try:
            yield select.requested(port, wanted).path
        except GpudoctorError:  # the command complains of it
            continue


# ---------------------------------------------------------------- describing


def describe(port: Port, prefix: str, real: str) -> Toolkit:
    tools = tuple(
        Tool(
            name,
            f"{prefix}/bin/{name}",
            program_version(port, f"{real}/bin/{name}"),
            "",
            f"{real}/bin/{name}",
            real,
        )
        for name in TOOLS
        if is_file(port, f"{real}/bin/{name}")
    )
    version, released = _version(port, real, tools)
    includes, libraries = _includes(port, real), _libraries(port, real)
    return Toolkit(
        prefix=prefix,
        real_prefix=real,
        release=released,
        version=version,
        origin=_origin(port, real, released),
        tools=tools,
        libdevice=_first(
            port, (f"{real}/nvvm/libdevice/libdevice.10.bc", f"{real}/libdevice/libdevice.10.bc")
        ),
        limits=_limits(port, includes),
        library_dirs=tuple(d[len(real) + 1 :] for d in libraries if d.startswith(real + "/")),
        cupti=_first(
            port,
            [
                f"{d}/libcupti.so"
                for d in (f"{real}/extras/CUPTI/lib64", f"{real}/extras/CUPTI/lib", *libraries)
            ],
        ),
        targets=observe(lambda: tuple(port.listdir(f"{real}/targets")), f"{real}/targets"),
        headers=_first(port, [f"{i}/cuda_runtime_api.h" for i in includes]),
        cudart=_first(port, [f"{d}/{n}" for d in libraries for n in ("libcudart.so", "libcudart_static.a")]),
        nvvm=_first(
            port,
            [f"{d}/libnvvm.so" for d in (f"{real}/nvvm/lib64", f"{real}/nvvm/lib", *libraries)]
            + [f"{d}/libnvvm.so.4" for d in (f"{real}/nvvm/lib64", *libraries)],
        ),
        stubs=_first(port, [f"{d}/stubs/libcuda.so" for d in libraries]),
    )


def _parsed(port: Port, path: str, parse: Callable[[str], T], limit: int) -> Observed[T]:
    return observe(lambda: parse(text(port, path, limit)), path)


def _first(port: Port, paths: list[str] | tuple[str, ...]) -> Observed[str]:
    for path in paths:
        if exists(port, path):
            return Known(path, path)
    return Absent(", ".join(dict.fromkeys(p.rpartition("/")[0] for p in paths)) or "no folder to look in")


def _includes(port: Port, real: str) -> list[str]:
    folders = [f"{real}/include", *(f"{real}/targets/{t}/include" for t in names(port, f"{real}/targets"))]
    if real == DEBIAN:
        folders.append("/usr/include")
    return [folder for folder in folders if is_dir(port, folder)]


def _libraries(port: Port, real: str) -> list[str]:
    folders = [
        f"{real}/lib64",
        f"{real}/lib",
        *(f"{real}/targets/{t}/lib" for t in names(port, f"{real}/targets")),
    ]
    if real == DEBIAN:
        folders += [f"/usr/lib/{triplet}" for triplet in ("x86_64-linux-gnu", "aarch64-linux-gnu")]
    return [folder for folder in folders if is_dir(port, folder)]


def _version(port: Port, real: str, tools: tuple[Tool, ...]) -> tuple[Observed[str], Observed[str]]:
    """(version "12.4.131", release "12.4"): the compiler's own word, else the version files', else the header's."""
    compilers = [tool.version for tool in tools if tool.name in ("nvcc", "ptxas")]
    said = next((v for v in compilers if isinstance(v, Known)), None)
    if said is not None:
        return said, mapped(said, release)
    both = _parsed(port, f"{real}/version.json", cuda_version.from_version_json, 1 << 18)
    if isinstance(both, Known):
        return mapped(both, lambda pair: pair[1]), mapped(both, lambda pair: pair[0])
    full = _parsed(port, f"{real}/version.txt", cuda_version.from_version_txt, 4096)
    if isinstance(full, Known):
        return full, mapped(full, release)
    for include in _includes(port, real):
        header = f"{include}/cuda_runtime_api.h"
        only = _parsed(port, header, cuda_version.from_header, HEADER_LIMIT)
        if isinstance(only, Known):
            return Unknown(f"{header} names the release only"), only
    none: Observed[str] = Unknown(f"nothing in {real} says its version")
    return first_known(*compilers, none), none


def _limits(port: Port, includes: list[str]) -> Observed[CompilerLimits]:
    for include in includes:
        limits = _parsed(port, f"{include}/crt/host_config.h", host_config.parse, 1 << 18)
        if not isinstance(limits, Absent):
            return limits
    return Absent(", ".join(f"{i}/crt/host_config.h" for i in includes) or "no include folder")


def _origin(port: Port, real: str, released: Observed[str]) -> Origin:
    if "/site-packages/nvidia/" in real or "/dist-packages/nvidia/" in real:
        return "wheel"
    if real.startswith("/nix/store/"):
        return "nix"
    if real.startswith("/opt/nvidia/hpc_sdk/"):
        return "hpc-sdk"
    if is_dir(port, f"{real}/conda-meta"):
        return "conda"
    if real in (DEBIAN, "/usr/lib/cuda", "/usr", "/opt/cuda"):
        return "distribution"
    if is_dir(port, "/var/lib/dpkg/info") and isinstance(released, Known):
        tail = released.value.replace(".", "-")
        # cuda-nvcc-12-4 since 10.1 or so; cuda-toolkit-10-0 before. Its folder is /usr/local/cuda-12.4 always.
        listed = (f"/var/lib/dpkg/info/cuda-{part}-{tail}.list" for part in ("nvcc", "toolkit", "core"))
        if real == f"/usr/local/cuda-{released.value}" and any(exists(port, path) for path in listed):
            return "distribution"
        return "runfile"
    return "unknown"
