"""Numba finds no libNVVM to compile CUDA kernels with

What it is: numba.cuda compiles with NVIDIA's libNVVM (libnvvm.so), which belongs to the toolkit, not to the driver. It looks
in the conda environment, in the wheel nvidia-cuda-nvcc, in CUDA_HOME, in /usr/local/cuda and among the loader's libraries.

Why it hurts: The first @cuda.jit function stops with "NvvmSupportError: libNVVM cannot be found". Numba's ordinary @jit for
the CPU is not touched, so without numba-cuda or a CUDA_HOME this is only worth knowing.

How to tell: Those places looked at for libnvvm.so. A CUDA_HOME that is set and holds none is searched in vain.

How to fix: Install the compiler's parts into the environment (conda: cuda-nvcc; pip: numba-cuda[cu12], which brings the
wheel), or point CUDA_HOME at a toolkit.

Sources: https://github.com/Maghoumi/pytorch-softdtw-cuda/issues/28
https://github.com/NVIDIA/numba-cuda/blob/main/numba_cuda/numba/cuda/cuda_paths.py
https://nvidia.github.io/numba-cuda/user/installation.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Selection
from gpudoctor.facts.frameworks import Frameworks, Interpreter, Package
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import (
    CannotLook,
    CouldNotTell,
    DoesNotApply,
    Evidence,
    Fix,
    Problem,
    Severity,
    package,
)
from gpudoctor.rules.judging import gpu_ruled_out, need
from gpudoctor.rules.toolkit._view import selection
from gpudoctor.signature import Signature

WHEELS = ("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-nvcc", "nvidia-nvvm", "cuda-toolkit")


signatures: tuple[Signature | str, ...] = (
    r"NvvmSupportError",
    Signature(r"libNVVM cannot be found", 0.95),
    Signature(
        r"(?:nvvm(?:64_\d\w*)?\.dll|libnvvm\.so).{0,80}(?:not found|cannot open|Could not find|No such file)",
        0.93,
    ),
    Signature(r"Could not find module 'nvvm\.dll'", 0.95),
    Signature(r"NVVM_ERROR_\w+", 0.8),
    Signature(r"Finding nvvm from .{0,200}(?:Failed|not found|ERROR)", 0.85),
    Signature(r"Failed to (?:find|load|open) (?:lib)?nvvm", 0.9),
    Signature(r"No supported GPU compute capabilities found\. Please check your cudatoolkit", 0.8),
    Signature(
        r"libNVVM (?:is )?(?:not found|missing|could not be (?:found|loaded))|library nvvm not found", 0.93
    ),
    Signature(
        r"nvvm\S{0,30} -> not found|NVVM library|LibraryNotFound.{0,40}nvvm",
        0.75,
        needs=(r"numba|nvvm",),
        unless=(r"NVVM library (?:loaded|found)",),
    ),
    Signature(r"Finding nvvm from[\s\S]{0,200}(?:not found|ERROR|Error)", 0.85),
    Signature(
        r"(?:can't|cannot|could not|couldn't|unable to|failed to|does not) (?:find|locate|load|open) [`'\"]{0,3}(?:\S{0,40}/)?(?:lib)?nvvm",
        0.9,
    ),
    Signature(
        r"No such file or directory: '?\S{0,80}/nvvm/(?:lib64|bin)|nvvm/lib64.{0,40}No such file", 0.85
    ),
)


def check(
    cuda: Cuda, frameworks: Frameworks, libraries: Libraries, gpu: Gpu
) -> Iterator[Problem | CouldNotTell]:
    interpreters = need(frameworks.interpreters, "Python interpreter")
    users = [(i, p) for i in interpreters for p in value_of(i.packages, ()) if p.name == "numba"]
    if not users:
        if any(isinstance(i.packages, Unknown) for i in interpreters):
            raise CannotLook("the packages of an interpreter")
        raise DoesNotApply("no Numba")
    if gpu_ruled_out(gpu):
        raise DoesNotApply("no NVIDIA GPU to compile for")
    need(cuda.toolkits, "CUDA toolkits")
    if isinstance(libraries.copies, Unknown):
        yield CouldNotTell(f"the loader's libraries: {libraries.copies.reason}")
        return
    loaded = any(
        c.family == "nvvm" and c.origin not in ("wheel", "conda") for c in value_of(libraries.copies, ())
    )
    home = selection(cuda, "CUDA_HOME") or selection(cuda, "CUDA_PATH")
    for one, numba in users:
        if loaded or _reached(one, cuda, home):
            continue
        yield _problem(one, numba, home)


def _reached(one: Interpreter, cuda: Cuda, home: Selection | None) -> bool:
    """Whether a toolkit with libNVVM lies where this interpreter's Numba looks."""
    if any(p.name in WHEELS for p in value_of(one.packages, ())):
        return True
    link = selection(cuda, "/usr/local/cuda")
    ends = {s.prefix.value for s in (home, link) if s is not None and isinstance(s.prefix, Known)}
    for toolkit in need(cuda.toolkits, "CUDA toolkits"):
        if not isinstance(toolkit.nvvm, Known):
            continue
        beside = bool(one.prefix) and (toolkit.real_prefix + "/").startswith(one.prefix + "/")
        if beside or toolkit.real_prefix in ends or toolkit.prefix in ends:
            return True
    return False


def _problem(one: Interpreter, numba: Package, home: Selection | None) -> Problem:
    names = {p.name: p.version for p in value_of(one.packages, ())}
    cuda_package = "numba-cuda" in names
    level: Severity = "failure" if cuda_package else "warning" if home is not None else "note"
    evidence = [Evidence("numba", f"{numba.version} in {one.path}", numba.location)]
    if cuda_package:
        evidence.append(Evidence("numba-cuda", names["numba-cuda"], one.path))
    if home is not None:
        evidence.append(Evidence(home.selector, home.value, "holds no libnvvm.so"))
    evidence.append(
        Evidence(
            "libnvvm.so",
            "not there",
            "the environment, nvidia-cuda-nvcc, CUDA_HOME, /usr/local/cuda, the loader",
        )
    )
    command = (
        f"conda install -p {one.prefix} -c conda-forge cuda-nvcc"
        if one.kind == "conda"
        else f"{one.path} -m pip install 'numba-cuda[cu12]'"
    )
    return Problem(
        f"Numba {numba.version} finds no libNVVM: its CUDA kernels cannot be compiled",
        package(one.path, "numba"),
        level,
        tuple(evidence),
        fix=Fix(
            "Install the compiler's parts into the environment, or point CUDA_HOME at a toolkit", (command,)
        ),
    )
