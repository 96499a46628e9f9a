"""CUDA toolkits, which one each selector really picks, and the host compilers they accept."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record

#: How the text of an Absent ends when a path is not there at all (and not merely without nvcc).
NOT_THERE = "does not exist"


class Tool(Record):
    """A program of a toolkit: `name` "ptxas", `version` "13.0.88" (the CUDA component version it prints).

    Outside a toolkit's own list: `selected_by` says who takes it ("PATH", "TRITON_PTXAS_PATH", "triton in
    /venv/lib/python3.11/site-packages"), `real_path` the file after links and wrapper scripts ("" where that ends
    nowhere), `toolkit` the real prefix of the toolkit it belongs to ("" for one that belongs to none)."""

    name: str
    path: str
    version: Observed[str] = UNASKED
    selected_by: str = ""
    real_path: str = ""
    toolkit: str = ""


class CompilerLimits(Record):
    """The newest host compilers that a toolkit's own crt/host_config.h accepts (majors). Absent bound: -1."""

    gcc_max: int = -1
    clang_max: int = -1
    clang_min: int = -1


class Toolkit(Record):
    """One CUDA toolkit. `prefix` as found, `real_prefix` after links; `release` "12.4", `version` "12.4.131".

    `origin`: how it came: "runfile" (also a tar ball: no package owns it), "distribution" (apt, dnf), "conda", "wheel".
    `tools`: those of nvcc, ptxas, nvlink, fatbinary, cudafe++ and nvdisasm that it holds.
    `libdevice`: path of libdevice.10.bc. `library_dirs`: which of lib, lib64, targets/*/lib exist.
    `targets`: the folders of targets/ ("x86_64-linux"). `headers`, `cudart`, `nvvm`, `stubs`: paths of
    cuda_runtime_api.h, of a libcudart to link, of libnvvm.so, and of the link-time libcuda.so.
    """

    prefix: str
    real_prefix: str
    release: Observed[str] = UNASKED
    version: Observed[str] = UNASKED
    origin: Literal["runfile", "distribution", "conda", "wheel", "hpc-sdk", "nix", "unknown"] = "unknown"
    tools: tuple[Tool, ...] = ()
    libdevice: Observed[str] = UNASKED
    limits: Observed[CompilerLimits] = UNASKED
    library_dirs: tuple[str, ...] = ()
    cupti: Observed[str] = UNASKED
    targets: Observed[tuple[str, ...]] = UNASKED
    headers: Observed[str] = UNASKED
    cudart: Observed[str] = UNASKED
    nvvm: Observed[str] = UNASKED
    stubs: Observed[str] = UNASKED


class Selection(Record):
    """What one selector picks: `selector` "PATH", "CUDA_HOME", "CUDA_PATH", "/usr/local/cuda", "CUDACXX",
    "CUDAToolkit_ROOT", and by their own rules "CMake" and "torch" (torch.utils.cpp_extension). Only those that say
    something are listed.

    `value` is what the selector says ("/usr/local/bin/nvcc"), `prefix` the real prefix of the toolkit that it ends in
    after links and wrapper scripts; Absent when it ends nowhere (its text says where it stopped), Unknown when a
    wrapper could not be understood. `through`: each hop (links, wrapper scripts)."""

    selector: str
    value: str
    prefix: Observed[str] = UNASKED
    through: tuple[str, ...] = ()


class SiteLibdevice(Record):
    """The copies of libdevice.10.bc that XLA in a package of `site` (a site-packages folder) finds without being told:
    in the wheel nvidia-cuda-nvcc beside it, in the package's own "cuda" folder, in the environment's prefix."""

    site: str
    paths: tuple[str, ...] = ()


class HostCompiler(Record):
    """A C++ compiler that nvcc would use or could use. `family` gcc or clang; `selected_by`: "NVCC_CCBIN", "-ccbin",
    "CUDAHOSTCXX" (CMake's), "beside nvcc" (a gcc in the toolkit's own bin comes before PATH's), "PATH g++",
    "PATH clang++"."""

    family: Literal["gcc", "clang"]
    path: str
    version: Observed[str] = UNASKED
    selected_by: str = ""


class CompiledKernel(Record):
    """The result of `check --build`: a three-line kernel compiled by the selected nvcc, its fatbin read back.

    `targets`: "sm_86", "compute_86" as the fatbin says; empty when it was not built or could not be read."""

    ok: bool
    command: str
    output: str = ""
    seconds: float = 0.0
    targets: tuple[str, ...] = ()


class Cuda(Record):
    """`nvcc_flags`: NVCC_PREPEND_FLAGS and NVCC_APPEND_FLAGS, which nvcc adds to every command line."""

    toolkits: Observed[tuple[Toolkit, ...]] = UNASKED
    selections: Observed[tuple[Selection, ...]] = UNASKED
    tools_on_path: Observed[tuple[Tool, ...]] = UNASKED
    libdevices: Observed[tuple[SiteLibdevice, ...]] = UNASKED
    compilers: Observed[tuple[HostCompiler, ...]] = UNASKED
    nvcc_flags: Observed[str] = UNASKED
    compiled: Observed[CompiledKernel] = UNASKED
