"""CUDA toolkits, what each selector picks, the programs that others take from PATH, and the host compilers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gpudoctor.facts.cuda import (
    NOT_THERE,
    CompiledKernel,
    HostCompiler,
    Selection,
    SiteLibdevice,
    Tool,
    Toolkit,
)
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.probes import cuda_compilers, cuda_toolkits
from gpudoctor.probes.cuda_programs import Followed, follow, on_path, program_version
from gpudoctor.probes.cuda_toolkits import looks_like_one, prefix_of, site_folders
from gpudoctor.system.port import Port, exists, is_file, names

LINK = "/usr/local/cuda"
#: Variables that name a prefix, in the order in which they are shown.
PREFIX_SELECTORS = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDAToolkit_ROOT")
#: Variables that name a compiler.
PROGRAM_SELECTORS = ("CUDACXX", "CMAKE_CUDA_COMPILER")


def toolkits(port: Port) -> Observed[tuple[Toolkit, ...]]:
    return Known(
        cuda_toolkits.find(port), "/usr/local, /opt, PATH, environment, loader configuration, site-packages"
    )


def selections(port: Port) -> Observed[tuple[Selection, ...]]:
    return Known(tuple(_selections(port)), "environment, PATH")


def _selections(port: Port) -> Iterator[Selection]:
    on = next(iter(on_path(port, "nvcc")), "")
    if on:
        yield _by_program(port, "PATH", on)
    elif dangling := _dangling(port):
        yield Selection("PATH", dangling, Absent(f"{port.realpath(dangling)} {NOT_THERE}"))
    for name in PREFIX_SELECTORS:
        if name in port.env:
            yield _by_prefix(port, name, port.env[name])
    for name in PROGRAM_SELECTORS:
        if value := port.env.get(name, ""):
            yield _by_program(port, name, value)
    if _is_there(port, LINK):
        yield _by_prefix(port, LINK, LINK)
    yield from _torch(port, on)
    yield from _cmake(port, on)


def _is_there(port: Port, path: str) -> bool:
    try:
        port.stat(path, follow=False)
    except OSError:
        return False
    return True


def _dangling(port: Port) -> str:
    """An nvcc on PATH that is a link to nothing: the shell passes over it, and so would a plain look."""
    for folder in port.env.get("PATH", "").split(":"):
        if (
            folder.startswith("/")
            and _is_there(port, f"{folder}/nvcc")
            and not exists(port, f"{folder}/nvcc")
        ):
            return f"{folder}/nvcc"
    return ""


def _by_program(port: Port, selector: str, value: str) -> Selection:
    path = value if value.startswith("/") else next(iter(on_path(port, value)), value)
    return Selection(selector, value, *_ends(follow(port, path, "nvcc"), value))


def _ends(followed: Followed, value: str) -> tuple[Observed[str], tuple[str, ...]]:
    if not followed.understood:
        return Unknown(followed.problem), followed.through
    if not followed.real_path:
        return Absent(followed.problem), followed.through
    prefix = prefix_of(followed.real_path)
    ends: Observed[str] = (
        Known(prefix, value) if prefix else Unknown(f"{followed.real_path} lies in no toolkit's bin")
    )
    return ends, followed.through


def _by_prefix(port: Port, selector: str, value: str) -> Selection:
    """A prefix, as the variable has it: nothing is stripped, because nvcc's callers strip nothing either."""
    if not value.startswith("/"):
        return Selection(selector, value, Absent(f"{value!r} is no absolute path"))
    real = port.realpath(value).rstrip("/") or "/"
    hops = (f"{value} -> {real}",) if real != value.rstrip("/") else ()
    if not exists(port, value):
        return Selection(selector, value, Absent(f"{real} {NOT_THERE}"), hops)
    if is_file(port, f"{value}/bin/nvcc"):
        # Its nvcc may itself be a wrapper or a link into another toolkit (CUDA_HOME=/usr on Debian).
        prefix, through = _ends(follow(port, f"{value.rstrip('/')}/bin/nvcc", "nvcc"), value)
        return Selection(selector, value, prefix, hops or through)
    # CuPy takes CUDA_PATH for headers alone (a wheel's nvidia/cuda_runtime): a use of its own, and no mistake.
    if looks_like_one(port, real) or exists(port, f"{real}/include/cuda_runtime_api.h"):
        return Selection(selector, value, Known(real, value), hops)
    return Selection(selector, value, Absent(f"{real} holds no bin/nvcc"), hops)


def _torch(port: Port, nvcc: str) -> Iterator[Selection]:
    """torch.utils.cpp_extension: CUDA_HOME or CUDA_PATH, else the folder above the folder of PATH's nvcc *as spelled*,
    else /usr/local/cuda. It resolves neither links nor wrappers."""
    value = port.env.get("CUDA_HOME") or port.env.get("CUDA_PATH")
    if not value and nvcc:
        value = nvcc.rpartition("/")[0].rpartition("/")[0] or "/"
    if not value and exists(port, LINK):
        value = LINK
    if value:
        yield _by_prefix(port, "torch", value)


def _cmake(port: Port, nvcc: str) -> Iterator[Selection]:
    """CMake's CUDA language: CUDACXX, else nvcc on PATH."""
    if value := port.env.get("CUDACXX") or nvcc:
        yield _by_program(port, "CMake", value)


def tools_on_path(port: Port) -> Observed[tuple[Tool, ...]]:
    return Known(tuple(_tools_on_path(port)), "PATH, TRITON_PTXAS_PATH, site-packages")


def _tools_on_path(port: Port) -> Iterator[Tool]:
    for name in cuda_toolkits.TOOLS:
        if path := next(iter(on_path(port, name)), ""):
            yield _tool(port, name, path, "PATH")
    for variable in ("TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH"):
        if path := port.env.get(variable, ""):
            yield _tool(port, "ptxas-blackwell" if "BLACKWELL" in variable else "ptxas", path, variable)
    for site in site_folders(port):
        for name in ("ptxas", "ptxas-blackwell"):
            path = f"{site}/triton/backends/nvidia/bin/{name}"
            if is_file(port, path):
                yield _tool(port, name, path, f"triton in {site}")


def _tool(port: Port, name: str, path: str, selected_by: str) -> Tool:
    followed = follow(port, path, path.rpartition("/")[2])
    if not followed.understood:
        return Tool(name, path, Unknown(followed.problem), selected_by)
    if not followed.real_path:
        return Tool(name, path, Absent(followed.problem), selected_by)
    real = followed.real_path
    prefix = prefix_of(real)
    owner = prefix if prefix and looks_like_one(port, prefix) else ""
    return Tool(name, path, program_version(port, real), selected_by, real, owner)


def libdevices(port: Port) -> Observed[tuple[SiteLibdevice, ...]]:
    return Known(tuple(SiteLibdevice(s, _libdevices(port, s)) for s in site_folders(port)), "site-packages")


def _libdevices(port: Port, site: str) -> tuple[str, ...]:
    """XLA's roots that depend on where its package lies. The environment's prefix is the third folder above."""
    wheels = [f"{site}/nvidia/{name}" for name in ("cuda_nvcc", "cu13")]
    plugins = [f"{site}/jax_plugins/{name}" for name in names(port, f"{site}/jax_plugins")]
    packages = [*plugins, f"{site}/jaxlib", f"{site}/tensorflow"]
    roots = [*wheels, *(f"{package}/cuda" for package in packages), site.rsplit("/", 3)[0]]
    paths = (f"{root}/nvvm/libdevice/libdevice.10.bc" for root in roots)
    return tuple(path for path in paths if exists(port, path))


def _selected(port: Port) -> tuple[str, str]:
    """(prefix, nvcc as one would call it) of the compiler that would run: PATH's, else CUDACXX, CUDA_HOME, CUDA_PATH,
    /usr/local/cuda. Empty for none."""
    found = {s.selector: s for s in _selections(port) if isinstance(s.prefix, Known)}
    for selector in ("PATH", *PROGRAM_SELECTORS, *PREFIX_SELECTORS, LINK):
        if selector in found and isinstance(prefix := found[selector].prefix, Known):
            program = selector == "PATH" or selector in PROGRAM_SELECTORS
            return prefix.value, found[selector].value if program else f"{prefix.value}/bin/nvcc"
    return "", ""


def compilers(port: Port) -> Observed[tuple[HostCompiler, ...]]:
    prefix, _ = _selected(port)
    return Known(
        cuda_compilers.find(port, f"{prefix}/bin" if prefix else ""), "PATH, NVCC_CCBIN, CUDAHOSTCXX"
    )


def compiled(port: Port) -> Observed[CompiledKernel]:
    if not port.options.build:
        return Absent("--build was not given")
    from gpudoctor.probes import cuda_build

    return cuda_build.compile_kernel(port, _selected(port)[1])


FIELDS: dict[str, Callable[[Port], Observed[Any]]] = {
    "toolkits": toolkits,
    "selections": selections,
    "tools_on_path": tools_on_path,
    "libdevices": libdevices,
    "compilers": compilers,
    "nvcc_flags": cuda_compilers.flags,
    "compiled": compiled,
}
