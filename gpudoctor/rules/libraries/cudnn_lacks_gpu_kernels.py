"""The installed cuDNN has no kernels for this GPU

What it is: cuDNN brings its own machine code, for fewer GPUs with each release. cuDNN for CUDA 12 has none for Maxwell,
Pascal and Volta from 9.11 on, and requirements with an open end, as tensorflow[and-cuda] 2.20 and jax[cuda12] have
them, take the newest cuDNN that there is.

Why it hurts: The framework itself still has code for the GPU and starts. Its first convolution ends with
CUDNN_STATUS_EXECUTION_FAILED, "no kernel image is available" or CUDNN_STATUS_ARCH_MISMATCH.

How to tell: The version of the nvidia-cudnn package in the environment, and the GPUs that this version's libraries hold
code for, against the GPU's compute capability.

How to fix: Pin cuDNN to the last version that serves the GPU, for CUDA 12 and GPUs before Turing that is 9.10.2.21.

Sources: https://docs.nvidia.com/deeplearning/cudnn/backend/latest/reference/support-matrix.html
https://docs.nvidia.com/deeplearning/cudnn/backend/v9.11.0/release-notes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Cubin, Frameworks, Interpreter, Package, Ptx, Targets
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import capabilities, need_gpu, packages_of, pip, pythons, untold_capabilities
from gpudoctor.rules.targets import serves
from gpudoctor.versions import is_version


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    found = [(p, own, int(m[1])) for p in pythons(frameworks) for own in packages_of(p) if (m := _cudnn(own))]
    if not found:
        raise DoesNotApply("no nvidia-cudnn package is installed")
    need_gpu(host, gpu)
    gpus = capabilities(gpu)
    if not gpus:
        raise CannotLook("no GPU's compute capability is known")
    yield from untold_capabilities(gpu)
    for python, own, major in found:
        row = knowledge.cudnn_kernels(major, own.version)
        if row is None:
            if not _served_before_and_after(major, own.version, [capability for _, capability in gpus]):
                yield CouldNotTell(f"which GPUs {own.name} {own.version} has kernels for is not in the table")
            continue
        held = _held(row)
        for label, capability in {c: (n, c) for n, c in gpus}.values():
            served = serves(held, capability, None)
            if served.how == "unknown":
                yield CouldNotTell(f"{own.name} {own.version} on {label}: {served.detail}")
            elif served.how == "none":
                yield _problem(python, own, major, label, capability, row)


def _held(row: knowledge.CudnnKernels) -> Targets:
    return Targets(tuple(Cubin(c) for c in row.capabilities), tuple(Ptx(p) for p in row.ptx), "table")


def _served_before_and_after(major: int, version: str, capabilities: list[str]) -> bool:
    """The releases on both sides of one that was not looked at have machine code for these GPUs: cuDNN takes a GPU up once and
    drops it once."""
    ends = knowledge.cudnn_neighbours(major, version)
    return ends is not None and all(
        serves(_held(end), capability, None).how == "cubin" for end in ends for capability in capabilities
    )


def _cudnn(own: Package) -> re.Match[str] | None:
    return re.fullmatch(r"nvidia-cudnn-cu(\d+)", own.name) if is_version(own.version) else None


def _problem(
    python: Interpreter, own: Package, major: int, label: str, capability: str, row: knowledge.CudnnKernels
) -> Problem:
    last = knowledge.last_cudnn(major, capability)
    fix = Fix("Install a cuDNN that has kernels for this GPU")
    if last:
        fix = Fix(
            f"Pin {own.name} to {last}, the last that serves compute capability {capability}",
            (f"{pip(python)} '{own.name}=={last}'",),
            "unsafe",
        )
    return Problem(
        f"{own.name} {own.version} has no kernels for {label} (compute capability {capability})",
        subject=package(python.path, own.name),
        evidence=(
            Evidence("cuDNN", own.version, own.location),
            Evidence("GPUs with kernels", ", ".join(row.capabilities), row.source),
            Evidence("GPU", f"{label}, compute capability {capability}"),
        ),
        fix=fix,
    )
