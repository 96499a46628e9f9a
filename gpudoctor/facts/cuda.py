"""CUDA toolkits, which one each selector really picks, and the host compilers they accept."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record


class Tool(Record):
    """A program of a toolkit: `name` "ptxas", `version` "13.0.88" (the CUDA component version it prints)."""

    name: str
    path: str
    version: Observed[str] = UNASKED


class CompilerLimits(Record):
    """The newest host compilers that a toolkit's own crt/host_config.h accepts (majors). Absent bound: -1."""

    gcc_max: int = -1
    clang_max: int = -1
    clang_min: int = -1


class Toolkit(Record):
    """One CUDA toolkit. `prefix` as found, `real_prefix` after links; `release` "12.4", `version` "12.4.131".

    `origin`: how it came: "runfile" (also a tar ball: no package owns it), "distribution" (apt, dnf), "conda", "wheel".
    `libdevice`: path of libdevice.10.bc. `library_dirs`: which of lib, lib64, targets/*/lib exist.
    """

    prefix: str
    real_prefix: str
    release: Observed[str] = UNASKED
    version: Observed[str] = UNASKED
    origin: Literal["runfile", "distribution", "conda", "wheel", "hpc-sdk", "unknown"] = "unknown"
    tools: tuple[Tool, ...] = ()
    libdevice: Observed[str] = UNASKED
    limits: Observed[CompilerLimits] = UNASKED
    library_dirs: tuple[str, ...] = ()
    cupti: Observed[str] = UNASKED
    targets: Observed[tuple[str, ...]] = UNASKED


class Selection(Record):
    """What one selector picks: `selector` "PATH", "CUDA_HOME", "CUDA_PATH", "/usr/local/cuda", "CMake".

    `value` is what the selector says ("/usr/local/bin/nvcc"), `prefix` the toolkit it ends in after links and
    wrapper scripts; Absent when it ends nowhere. `through`: each hop (links, wrapper scripts)."""

    selector: str
    value: str
    prefix: Observed[str] = UNASKED
    through: tuple[str, ...] = ()


class HostCompiler(Record):
    """A C++ compiler that nvcc would use or could use. `family` gcc or clang; `selected_by` "NVCC_CCBIN", "PATH g++"..."""

    family: Literal["gcc", "clang"]
    path: str
    version: Observed[str] = UNASKED
    selected_by: str = ""


class CompiledKernel(Record):
    """The result of `check --build`: a three-line kernel compiled by the selected nvcc, its fatbin read back."""

    ok: bool
    command: str
    output: str = ""
    seconds: float = 0.0
    targets: tuple[str, ...] = ()


class Cuda(Record):
    toolkits: Observed[tuple[Toolkit, ...]] = UNASKED
    selections: Observed[tuple[Selection, ...]] = UNASKED
    tools_on_path: Observed[tuple[Tool, ...]] = UNASKED
    compilers: Observed[tuple[HostCompiler, ...]] = UNASKED
    compiled: Observed[CompiledKernel] = UNASKED
