"""An extension was compiled for other GPUs than this one

What it is: The extension's shared objects hold machine code for a list of compute capabilities that does not cover this
GPU, and no PTX that the driver could compile for it. PyTorch itself may well cover it.

Why it hurts: PyTorch works, and the first call into the extension fails with "no kernel image is available for
execution on the device" or "invalid device function".

How to tell: The fatbins in the extension's own libraries against the GPU's compute capability.

How to fix: Compile it again with TORCH_CUDA_ARCH_LIST set to the GPU's capability, or install a wheel that covers it.

Sources: https://docs.pytorch.org/docs/stable/cpp_extension.html
https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#binary-compatibility
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.architectures import code_evidence, judged
from gpudoctor.rules.extensions import BUILDING, CALLS, OWN_WORK, PACKAGES
from gpudoctor.rules.pythons import (
    by_capability,
    installed,
    need_gpu,
    pip,
    public,
    subject,
    untold_capabilities,
)
from gpudoctor.signature import Signature
from gpudoctor.versions import at_least

FRAMEWORKS = frozenset({"torch", "tensorflow", "jax", "onnxruntime"})
#: flash-attn 2 has no kernels for GPUs before Ampere, however it is compiled.
FLASH_MINIMUM = "8.0"


signatures: tuple[Signature | str, ...] = (
    # An extension's own kernel, while torch itself works.
    Signature(
        r"no kernel image is available for execution on the device",
        0.9,
        needs=(PACKAGES,),
        unless=(r"is not compatible with the current PyTorch installation",),
    ),
    Signature(
        r"Error no kernel image is available for execution on the device at line \d+ in file .{0,80}csrc",
        0.95,
    ),
    Signature(r"TORCH_CUDA_ARCH_LIST.{0,200}no kernel image", 0.85),
    Signature(r"no kernel image.{0,400}TORCH_CUDA_ARCH_LIST", 0.85),
    Signature(r"Extension .{0,60}(?:was|is) (?:not )?compiled (?:for|with).{0,40}(?:sm_|arch)", 0.75),
    Signature(
        r"error in (?:ms_deformable_im2col_cuda|modulated_deformable_im2col_cuda|\w+_cuda): no kernel image",
        0.95,
    ),
    # xformers' dispatcher; bitsandbytes' csrc.
    Signature(r"your GPU has capability \(\d+, \d\) \(too new\)", 0.92),
    Signature(r"Error (?:named symbol not found|invalid device function) at line \d+ in file", 0.85),
    Signature(r"Could not find compatible \S{3,40} extension for compute capability", 0.95),
    # Blender and its kind bring kernels of their own.
    Signature(r"CUDA binary kernel for this graphics card compute capability \(\d+\.\d\) not found", 0.88),
    # Launchers that print their own kernel's name: Deformable ConvNets, PointNet++, libraries with a .cu of their own.
    Signature(r"error in \w{3,60}: no kernel image", 0.95),
    Signature(r"CUDA kernel failed ?: no kernel image", 0.93),
    Signature(
        r"\.cu\W{1,3}(?:line )?\d+\W.{0,80}no kernel image|no kernel image.{0,120}\.cu\W{1,3}(?:line )?\d+",
        0.85,
        unless=(r"aten/src|/pytorch/|ggml|THC", r"is not compatible with the current PyTorch installation"),
    ),
    Signature(
        r"no kernel image is available for execution on the device",
        0.88,
        needs=(BUILDING,),
        unless=(
            r"is not compatible with the current PyTorch installation",
            r"torch/(?:lib|_tensor|cuda/__init__)\S{0,20}\.cu",
        ),
    ),
    # Thrust and CUB, compiled into an extension of one's own: PyTorch's own kernels say "CUDA error".
    Signature(
        r"(?:parallel_for|transform|reduce|reduction|scan|sort|copy_if|unique|for_each)\w* failed(?: on \w+ step)?: cudaErrorNoKernelImageForDevice",
        0.92,
        unless=(r"is not compatible with the current PyTorch installation",),
    ),
    # SageAttention, vLLM: what their build left out.
    Signature(r"SM ?\d{2,3} kernel is not available", 0.93),
    Signature(
        r"No compiled \S+ (?:\S+ ){0,6}(?:compute capability|SM ?\d|CUDA device capability)|not compiled for (?:this|your|the current) (?:GPU|device|architecture|compute)",
        0.88,
        unless=(r"current PyTorch installation",),
    ),
    Signature(
        r"(?:sage\w*|flash\w*|xformers|bitsandbytes|mmcv|apex|spconv|exllama\w*|natten|gsplat|nvdiffrast|pytorch3d) (?:\S+ ){0,30}(?:error|fail\w*|crash\w*|n't|not) (?:\S+ ){0,12}\W?sm_\d{2,3}",
        0.72,
        unless=(
            r"ptxas|nvcc fatal|Unsupported gpu architecture",
            r"current PyTorch installation",
            r"not a recognized processor",
        ),
    ),
    # tiny-cuda-nn's own warning.
    Signature(r"built for lower compute capability \(\d+\) than the system's", 0.72),
    Signature(
        r"no kernel image is available", 0.72, needs=(PACKAGES,), unless=(r"for execution on the device",)
    ),
    Signature(
        r"cudaErrorNoKernelImageForDevice",
        0.92,
        needs=(rf"{PACKAGES}|{BUILDING}",),
        unless=(r"is not compatible with the current PyTorch installation",),
    ),
    # Built on one machine, used on another.
    Signature(
        r"invalid device function",
        0.92,
        needs=(
            PACKAGES,
            r"(?:compiled|built|build) (?:\S+ ){0,5}on (?:\S+ ){0,6}(?:box|machine|server|node|workstation|card|gpu|laptop)|copied (?:\S+ ){0,5}(?:wheel|build|env\w*|\.so)",
        ),
    ),
    Signature(CALLS, 0.9, unless=(r"is not compatible with the current PyTorch installation",)),
    Signature(
        OWN_WORK,
        0.85,
        needs=(
            r"no kernel image|NoKernelImage",
            r"extension|\bops?\b|\.cu\b|kernel|_cuda\b|module|library|call",
        ),
        unless=(r"is not compatible with the current PyTorch installation", r"on (?:the |my )?cpu"),
    ),
)


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    need_gpu(host, gpu)
    found = [
        (p, b)
        for p, b in installed(frameworks)
        if b.framework not in FRAMEWORKS and isinstance(b.targets, Known) and b.targets.value.containers
    ]
    if not found:
        raise DoesNotApply("no extension with GPU code of its own")
    gpus = by_capability(gpu)
    if not gpus:
        raise CannotLook("no GPU's compute capability is known")
    yield from untold_capabilities(gpu)
    for python, build in found:
        for capability, label in gpus.items():
            if build.framework == "flash-attn" and not at_least(capability, FLASH_MINIMUM):
                continue  # a GPU too old for it, not a wheel that lacks something
            served = judged(build, capability, gpu)
            if served.how == "unknown":
                yield CouldNotTell(
                    f"{build.framework} on {label}: {served.detail}", subject=subject(python, build)
                )
            elif served.how == "none":
                yield _problem(python, build, label, capability, served.detail)


def _problem(python: Interpreter, build: Build, label: str, capability: str, detail: str) -> Problem:
    return Problem(
        f"{build.framework} {build.version} has no code for {label} (compute capability {capability})",
        subject=subject(python, build),
        evidence=(
            Evidence("GPU", f"{label}, compute capability {capability}"),
            *code_evidence(build, capability),
            Evidence("verdict", detail),
        ),
        fix=Fix(
            "Compile it again for this GPU (nvcc must be on PATH)",
            (
                f"TORCH_CUDA_ARCH_LIST={capability} {pip(python, build)} --no-build-isolation --no-cache-dir "
                f"--no-deps --force-reinstall --no-binary :all: {build.framework}=={public(build.version)}",
            ),
            "unsafe",
        ),
    )
