"""The host compilers that nvcc would take: which files, and of which version by their names alone where possible."""

from __future__ import annotations

import re
from typing import Literal

from gpudoctor.facts.cuda import HostCompiler
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.probes.cuda_programs import follow, on_path
from gpudoctor.system.port import Port, is_dir, is_file, names, observe, which

_NAMED = re.compile(r"(g\+\+|gcc|c\+\+|cc|clang\+\+|clang)-(\d+)(?:\.\d+)*$")
_NUMBER = re.compile(r"^(\d+)(?:\.\d+)*$")
_LLVM = re.compile(r"/llvm-(\d+)/bin/")
#: Seconds that a compiler may take to say its version. It takes a few milliseconds.
ASK_TIMEOUT = 3.0


def flags(port: Port) -> Observed[str]:
    """What the environment adds to every nvcc command line."""
    both = " ".join(filter(None, (port.env.get("NVCC_PREPEND_FLAGS"), port.env.get("NVCC_APPEND_FLAGS"))))
    return (
        Known(both, "NVCC_PREPEND_FLAGS, NVCC_APPEND_FLAGS")
        if both
        else Absent("NVCC_PREPEND_FLAGS, NVCC_APPEND_FLAGS")
    )


def find(port: Port, toolkit_bin: str) -> tuple[HostCompiler, ...]:
    """In the order in which nvcc would prefer them. `toolkit_bin`: the folder of the nvcc that would run, or ""."""
    found: list[HostCompiler] = []
    said = flags(port)
    if isinstance(said, Known) and (
        match := re.search(r"(?:-ccbin|--compiler-bindir)[ =]?(\S+)", said.value)
    ):
        found.append(_named(port, match.group(1), "-ccbin"))
    for variable in ("NVCC_CCBIN", "CUDAHOSTCXX"):
        if value := port.env.get(variable, ""):
            found.append(_named(port, value, variable))
    if toolkit_bin and is_file(port, f"{toolkit_bin}/gcc"):
        found.append(_compiler(port, f"{toolkit_bin}/gcc", "gcc", "beside nvcc"))
    for program in ("g++", "gcc"):
        if path := next(iter(on_path(port, program)), None):
            found.append(_compiler(port, path, "gcc", f"PATH {program}"))
            break
    if path := next(iter(on_path(port, "clang++")), None):
        found.append(_compiler(port, path, "clang", "PATH clang++"))
    return tuple(found)


def _named(port: Port, value: str, selected_by: str) -> HostCompiler:
    """-ccbin takes a program, a path, or a folder that holds the program."""
    path = f"{value.rstrip('/')}/g++" if value.startswith("/") and is_dir(port, value) else value
    found = path if path.startswith("/") else which(port, path) or path
    family: Literal["gcc", "clang"] = "clang" if "clang" in found.rpartition("/")[2] else "gcc"
    return _compiler(port, found, family, selected_by)


def _compiler(port: Port, path: str, family: Literal["gcc", "clang"], selected_by: str) -> HostCompiler:
    return HostCompiler(family, path, _version(port, path, family), selected_by)


def _version(port: Port, path: str, family: str) -> Observed[str]:
    if not is_file(port, path):
        return Absent(path)
    followed = follow(port, path, path.rpartition("/")[2])
    real = followed.real_path
    if not real:
        return Unknown(followed.problem) if not followed.understood else Absent(followed.problem)
    if match := _NAMED.search(real):
        return Known(match.group(2), f"{path} -> {real}")
    if family == "clang" and (match := _LLVM.search(real)):
        return Known(match.group(1), real)
    only = _only_installed(port, real, family)
    return Known(only, real) if only else _asked(port, path)


def _only_installed(port: Port, real: str, family: str) -> str:
    """Fedora's and Arch's g++ is a plain file; the one folder of support files beside it has its version."""
    prefix = real.rpartition("/bin/")[0]
    if family == "clang":
        folders = [f"{prefix}/lib/clang", f"{prefix}/lib64/clang"]
    else:
        base = f"{prefix}/lib/gcc"
        folders = [f"{base}/{triplet}" for triplet in names(port, base)]
    found = {name for folder in folders for name in names(port, folder) if _NUMBER.match(name)}
    return found.pop() if len(found) == 1 else ""


def _asked(port: Port, path: str) -> Observed[str]:
    """Last resort: the name says nothing and several versions are installed."""
    if not port.live:
        return Unknown(f"{path} does not say its version, and nothing is run here")

    def ask() -> str:
        ran = port.run([path, "-dumpfullversion", "-dumpversion"], ASK_TIMEOUT)
        said = ran.stdout.strip().splitlines()
        if ran.code != 0 or not said or not _NUMBER.match(said[0]):
            raise ValueError(ran.stderr.strip()[:200] or "no version in what it prints")
        return said[0]

    return observe(ask, f"{path} -dumpfullversion")
