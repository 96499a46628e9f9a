"""A variable that is set slows CUDA down, changes what it does, or breaks it

What it is: CUDA, NCCL and the frameworks read variables that were meant for debugging, profiling or one machine. One of
them is set, often by a start-up file and long forgotten.

Why it hurts: CUDA_LAUNCH_BLOCKING=1 makes every launch wait; CUDA_FORCE_PTX_JIT=1 compiles every kernel at its first
use; CUDA_INJECTION64_PATH loads a profiler's library into every process; NCCL_P2P_DISABLE=1 sends all traffic between
GPUs through the host.

How to tell: The variable's value, and the start-up file and line that set it.

How to fix: Unset it, and take its line out of the start-up file.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
https://github.com/NVIDIA/DCGM/blob/master/nvvs/src/Software.cpp
https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html
https://docs.pytorch.org/docs/stable/cuda_environment_variables.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment, Variable
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Severity, Subject
from gpudoctor.rules.judging import gpu_ruled_out, need
from gpudoctor.signature import Signature

_CUDA = "https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html"
_DCGM = "https://github.com/NVIDIA/DCGM/blob/master/nvvs/src/Software.cpp"
_NCCL = "https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html"
_TORCH = "https://docs.pytorch.org/docs/stable/cuda_environment_variables.html"


class _Harm(Record):
    """`values`: those that do harm (lower case); empty for any value but "" and "0". `merely_set`: "0" harms too."""

    effect: str
    severity: Severity
    source: str
    values: tuple[str, ...] = ()
    merely_set: bool = False


HARMFUL = {
    "CUDA_LAUNCH_BLOCKING": _Harm("every kernel launch waits for its end", "warning", _CUDA),
    "CUDA_DEVICE_WAITS_ON_EXCEPTION": _Harm(
        "a failing program stops and waits for a debugger", "warning", _CUDA
    ),
    "CUDA_FORCE_PTX_JIT": _Harm(
        "ready machine code is ignored: kernels without PTX fail, others are compiled at first use",
        "failure",
        _CUDA,
    ),
    "CUDA_FORCE_JIT": _Harm(
        "ready machine code is ignored: kernels without PTX fail, others are compiled at first use",
        "failure",
        _CUDA,
    ),
    "CUDA_DISABLE_PTX_JIT": _Harm("kernels that are there as PTX only do not run", "warning", _CUDA),
    "CUDA_DISABLE_JIT": _Harm("kernels that are there as PTX only do not run", "warning", _CUDA),
    "CUDA_CACHE_DISABLE": _Harm(
        "compiled kernels are not kept: every start compiles them again", "warning", _CUDA
    ),
    "CUDA_MODULE_LOADING": _Harm(
        "every kernel is loaded at the start: slower, more memory", "note", _CUDA, ("eager",)
    ),
    "CUDA_PROFILE": _Harm("the old profiler is on in every process", "warning", _DCGM),
    "COMPUTE_PROFILE": _Harm("the old profiler is on in every process", "warning", _DCGM),
    "CUDA_ENABLE_COREDUMP_ON_EXCEPTION": _Harm(
        "a failing kernel writes a core dump of the GPU", "note", _CUDA
    ),
    "NCCL_P2P_DISABLE": _Harm(
        "GPUs do not talk to each other directly (NVLink and PCIe unused)", "warning", _NCCL
    ),
    "NCCL_SHM_DISABLE": _Harm(
        "processes of one machine use the network between each other", "warning", _NCCL
    ),
    "NCCL_IB_DISABLE": _Harm("InfiniBand and RoCE are unused", "note", _NCCL),
    "PYTORCH_NO_CUDA_MEMORY_CACHING": _Harm(
        # c10/cuda/CUDACachingAllocator.cpp asks getenv for a pointer, not for a value.
        "every tensor is a new cudaMalloc",
        "warning",
        _TORCH,
        merely_set=True,
    ),
    "NUMBA_ENABLE_CUDASIM": _Harm(
        "Numba simulates the GPU on the CPU",
        "warning",
        "https://nvidia.github.io/numba-cuda/reference/envvars.html",
    ),
    "NUMBA_DISABLE_CUDA": _Harm(
        "Numba does not use the GPU", "warning", "https://nvidia.github.io/numba-cuda/reference/envvars.html"
    ),
}
#: A library that is loaded into every CUDA process; harmless only as long as it is there and meant.
_JAX = "https://docs.jax.dev/en/latest/config_options.html"
HARMFUL |= {
    name: _Harm("JAX does not use the GPU", "warning", _JAX, ("cpu",))
    for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
}
HARMFUL |= {
    "TRITON_INTERPRET": _Harm(
        "Triton's kernels are interpreted on the CPU",
        "warning",
        "https://triton-lang.org/main/programming-guide/chapter-3/debugging.html",
    ),
    "NVIDIA_TF32_OVERRIDE": _Harm(
        "TF32 is off in all libraries: products of matrices are several times slower from Ampere on",
        "note",
        "https://docs.nvidia.com/cuda/cublas/index.html#tf32-tensor-core-math-mode",
        ("0",),
    ),
}
INJECTED = ("CUDA_INJECTION64_PATH", "CUDA_INJECTION32_PATH")


def check(environment: Environment, gpu: Gpu, host: Host) -> Iterator[Problem]:
    if gpu_ruled_out(gpu, isinstance(host.wsl, Known)):
        raise DoesNotApply("no NVIDIA GPU")
    for variable in need(environment.variables, "environment"):
        harm = HARMFUL.get(variable.name)
        if harm is not None and _does_harm(variable.value, harm):
            yield _problem(variable, harm)
        elif variable.name in INJECTED and variable.value:
            yield _problem(
                variable,
                _Harm("its library is loaded into every CUDA process, or CUDA fails", "warning", _DCGM),
            )


def _does_harm(value: str, harm: _Harm) -> bool:
    if harm.merely_set:
        return True
    return value.lower() in harm.values if harm.values else value not in ("", "0")


def _problem(variable: Variable, harm: _Harm) -> Problem:
    evidence = [
        Evidence(variable.name, variable.value, "environment"),
        Evidence("what it does", harm.effect, harm.source),
    ]
    where = ""
    if isinstance(variable.set_by, Known):
        evidence.append(Evidence("set in", variable.set_by.value, "start-up file"))
        where = f", and take line {variable.set_by.value.rpartition(':')[2]} out of {variable.set_by.via}"
    return Problem(
        f"{variable.name}={variable.value}: {harm.effect}",
        Subject("variable", variable.name, variable.name),
        harm.severity,
        tuple(evidence),
        fix=Fix(
            f"Unset {variable.name}{where}", (f"unset {variable.name}",), "unsafe" if where else "manual"
        ),
    )


signatures: tuple[Signature | str, ...] = (
    # NCCL says which variables it took; these name files of another machine type (clouds set them in /etc/nccl.conf).
    Signature(
        r"NCCL_(?:GRAPH_FILE|TOPO_FILE) set by environment",
        0.6,
        needs=(r"Could not open|No such file|system error|NCCL WARN",),
    ),
    Signature(r"Could not open XML (?:graph|topology) file", 0.85),
    Signature(r"NCCL_P2P_DISABLE set by environment to 1", 0.4, needs=(r"slow",)),
)
