"""What is done in a smoke run, in order: names, what each exercises, how long it may take."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpudoctor.facts.record import Record


class Step(Record):
    """`deadline` in seconds, generous: a first use loads libraries and compiles kernels. `gpus`: the least number of GPUs;
    `cpu`: done on the CPU all the same."""

    name: str
    exercises: str
    deadline: float
    quick: bool = False
    gpus: int = 0
    cpu: bool = False


IMPORT = Step("import", "the framework and the libraries that it loads", 120, quick=True)
EXIT = Step("exit", "letting go of the device", 30, quick=True)
#: Burning takes as long as was asked for; this is added to it.
BURN = Step("burn", "exact matrix products, again and again, against the true result", 60)
BOARD = Step("tensorboard", "losses, rates and the graph, by the framework's own writer", 90)

_CONTEXT = Step("context", "cuInit, an allocation, bytes to the device and back", 60, quick=True)
_EXACT = Step(
    "gemm-exact", "matrix products of whole numbers: every bit must be right (cuBLAS)", 60, quick=True
)
_RANDOM = Step("gemm-random", "matrix products of noise against double precision", 60, quick=True)
_MLP = Step("mlp", "autograd, matrix products, elementwise kernels; descent written by hand", 60, quick=True)

STEPS: Mapping[str, tuple[Step, ...]] = {
    "torch": (
        _CONTEXT,
        _EXACT,
        _RANDOM,
        _MLP,
        Step("conv", "cuDNN convolution, batch norm, pooling; NCHW and NHWC", 90, quick=True),
        Step("lstm", "cuDNN's recurrent kernels", 90),
        Step("transformer", "each attention backend by itself; they must agree", 90),
        Step("amp", "autocast: fp16 with a scaler, bf16 where the device has it", 90),
        Step("checkpoint", "a model saved, loaded, and compared bit by bit", 60),
        Step("loader", "worker processes that hand over batches in shared memory", 60),
        Step("profile", "kernels, as CUPTI records them", 60),
        Step("compile", "torch.compile: Triton and ptxas, or the C++ compiler; equal to eager", 300),
        Step(
            "collective", "all-reduce through torchrun: NCCL on GPUs, gloo on the CPU", 120, gpus=2, cpu=True
        ),
        Step("p2p", "copies between GPUs, contents verified", 60, gpus=2),
        Step("roofline", "rates of matrix products and copies", 60),
    ),
    "tensorflow": (
        _CONTEXT,
        _EXACT,
        _MLP,
        Step("conv", "cuDNN convolution, batch norm, pooling", 120),
        Step("lstm", "cuDNN's recurrent kernels", 90),
        Step("memory", "memory growth and a memory limit are obeyed", 60),
        Step("compile", "XLA: libdevice and ptxas; equal to what is not compiled", 120),
    ),
    "jax": (
        _CONTEXT,
        _EXACT,
        _RANDOM,
        _MLP,
        Step("conv", "cuDNN convolution and pooling, compiled by XLA", 120),
    ),
}

#: Seconds for everything of one child together.
TOTAL_QUICK = 180.0
TOTAL_FULL = 600.0


def steps(framework: str, full: bool, gpus: int, burn: float, board: bool) -> tuple[Step, ...]:
    """What a child is asked to do. `gpus`: how many it may use (0: it works on the CPU); several do together what takes
    several. `burn` in seconds; `board`: write for TensorBoard."""
    chosen = [s for s in STEPS[framework] if (full or s.quick) and (s.gpus <= gpus or (s.cpu and not gpus))]
    if gpus > 1:
        return tuple(s for s in chosen if s.gpus > 1 or s == _CONTEXT)
    if burn and framework == "torch":
        chosen.append(BURN.replace(deadline=BURN.deadline + burn))
    return (*chosen, BOARD) if board else tuple(chosen)


def deadline(framework: str, name: str, burn: float) -> float:
    if name == BURN.name:
        return BURN.deadline + burn
    known = {s.name: s.deadline for s in (IMPORT, EXIT, BOARD, *STEPS.get(framework, ()))}
    return known.get(name, 60.0)


#: Words that are true of a GPU alone.
_OF_A_GPU = re.compile(r"cuInit, | \(cuBLAS\)|cuDNN(?:'s)? ")


def exercises(framework: str, name: str, cpu: bool = False) -> str:
    """
    >>> exercises("torch", "lstm"), exercises("torch", "lstm", cpu=True)
    ("cuDNN's recurrent kernels", 'recurrent kernels')
    """
    known = {s.name: s.exercises for s in (IMPORT, EXIT, BURN, BOARD, *STEPS.get(framework, ()))}
    told = known.get(name, "")
    return _OF_A_GPU.sub("", told) if cpu else told
