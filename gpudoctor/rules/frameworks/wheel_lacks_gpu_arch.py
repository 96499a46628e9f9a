"""The framework's build has no code for this GPU, which is newer than it

What it is: A framework's wheel holds machine code (cubins) for a list of compute capabilities, and perhaps PTX, which
the driver compiles for newer GPUs when the program starts. This build has no machine code that runs on this GPU.

Why it hurts: Without usable PTX every kernel fails: "no kernel image is available for execution on the device", "sm_120
is not compatible with the current PyTorch installation". With PTX the first start takes minutes, kernels are slower
than they could be, and libraries with hand-written machine code may still fail.

How to tell: The fatbins of the framework's own kernel library against the GPU's compute capability: machine code for
X.y runs on X.z with z >= y (code for 8.0 runs on an
RTX 3050, which is 8.6), machine code with an `a` on exactly its own, PTX on everything newer if the driver's
compiler knows its ISA version. How many of the library's containers serve the GPU is shown as evidence.

How to fix: Install a build whose list covers the GPU; for Blackwell that is PyTorch's cu128 or newer.

Sources: https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#binary-compatibility
https://github.com/pytorch/pytorch/issues/167244
https://github.com/tensorflow/tensorflow/issues/89272
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.findings import CannotLook, CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.architectures import code_evidence, judged, needed_ptx, older_than_all
from gpudoctor.rules.extensions import BUILDING, CALLS, LAUNCHERS, OWN_WORK, PACKAGES
from gpudoctor.rules.pythons import (
    by_capability,
    installed,
    need_gpu,
    subject,
    torch_reinstall,
    untold_capabilities,
)
from gpudoctor.signature import Signature, error_code

explains = ("import-differs-from-files", "extension-lacks-gpu-arch")

signatures: tuple[Signature | str, ...] = (
    # torch/cuda/__init__.py since 1.5 ("sm_86 is not compatible ...").
    Signature(
        r"capability sm_(?P<sm>\d{2,3}) is not compatible with the current PyTorch installation",
        0.95,
        when="gpu-newer-than-build",
        explanation="The GPU is sm_{sm}, and this build of PyTorch holds no code for it.",
        fix="Install a PyTorch that is built for sm_{sm}: a newer release from the index of a newer CUDA (Blackwell, sm_100 and sm_120: cu128 or newer; Ampere sm_86: cu111 or newer).",
    ),
    Signature(
        r"no kernel image is available for execution on the device",
        0.75,
        unless=(
            PACKAGES,
            BUILDING,
            LAUNCHERS,
            CALLS,
            OWN_WORK,
            r"GTX (?:9|10|7|6)\d\d|Tesla (?:P|K|M)\d+|capability sm_(?:35|37|50|52|60|61)\b|too old",
        ),
    ),
    Signature(
        r"cudaErrorNoKernelImageForDevice",
        0.9,
        unless=(r"parallel_for failed|distCUDA2", PACKAGES, BUILDING, OWN_WORK),
    ),
    Signature(r"cudaErrorNoKernelImageForDevice", 0.7, unless=(r"parallel_for failed|distCUDA2",)),
    Signature(r"CUDA_ERROR_NO_BINARY_FOR_GPU", 0.85),
    # TensorFlow 2.x, gpu_device.cc and XLA; JAX.
    Signature(
        r"TensorFlow was not built with CUDA kernel binaries compatible with compute capability (?P<sm>[\d.]+)",
        0.9,
        explanation="The GPU's compute capability is {sm}, and this TensorFlow holds no binaries for it: its kernels are compiled from PTX when they are first used, or not at all.",
    ),
    Signature(r"CUDA_ERROR_INVALID_PTX", 0.8),
    Signature(r"CUDA_ERROR_INVALID_SOURCE", 0.7),
    Signature(r"device kernel image is invalid", 0.75),
    Signature(r"cudaErrorInvalidKernelImage", 0.75),
    Signature(
        r"(?:RTX 50\d\d|RTX PRO \d{4}|Blackwell|sm_120|sm_100|compute capability 12\.0).{0,300}(?:not supported|not compatible|unsupported)",
        0.75,
    ),
    Signature(r"named symbol not found|CUDA_ERROR_NOT_FOUND: named symbol", 0.5, needs=(r"cuda|CUDA",)),
    Signature(
        r"ggml_cuda_compute_forward: .{0,60}no kernel image|ggml was not compiled with any CUDA arch <= ",
        0.85,
        needs=(r"ggml",),
    ),
    Signature(r"does not support (?:the )?(?:GPU|device).{0,30}(?:sm_|compute capability )", 0.6),
    Signature(error_code(209), 0.72, unless=(PACKAGES, BUILDING, LAUNCHERS, CALLS, OWN_WORK)),
    Signature(r"THCudaCheck FAIL file=\S{1,160} line=\d+ error=48 :", 0.7),
    # TensorRT, builder.
    Signature(
        r"Target GPU SM (?P<sm>\d{2,3}) is not supported by this TensorRT release",
        0.93,
        when="gpu-newer-than-build",
        explanation="This TensorRT knows no GPU of compute capability {sm}.",
        fix="Install a TensorRT that knows sm_{sm} (Blackwell, sm_100 and sm_120: 10.8 or newer).",
    ),
    Signature(r"CUDA error: invalid device function|cudaErrorInvalidDeviceFunction", 0.6),
    Signature(r"nvrtc: error: invalid value for --gpu-architecture", 0.85),
    Signature(r"CUFFT_INTERNAL_ERROR", 0.5, needs=(r"RTX 40\d\d|RTX 50\d\d|L40|H100|B200",)),
    # In prose, the card after the complaint.
    Signature(
        r"(?:not (?:yet )?supported|not compatible|unsupported|incompatible).{0,300}(?:RTX 50\d\d|RTX PRO \d{4}|Blackwell|sm_120|sm_100)",
        0.7,
        unless=(r"MSVC|Visual Studio|GNU version",),
    ),
    # TensorFlow up to 2.19 on Blackwell.
    Signature(r"'cuLaunchKernel.{1,160} failed with 'CUDA_ERROR_INVALID_HANDLE'", 0.75),
    Signature(
        r"CU(?:BLAS|DNN|SPARSE)_STATUS_(?:ARCH_MISMATCH|EXECUTION_FAILED|NOT_SUPPORTED)",
        0.6,
        needs=(r"RTX 50\d\d|RTX PRO \d{4}|Blackwell|sm_120",),
    ),
    Signature(
        r"architecture in your current machine is (?:Ampere|Ada|Hopper|Blackwell|Unknown), which is not compatible with Paddle installation",
        0.93,
    ),
    Signature(r"Unsupported SM: 0x[89a-f]\d{1,2}\b", 0.93),
    # In prose; torch up to 1.0 and Caffe, which print the number and the sentence.
    Signature(
        r"sm_1[0-2]\d\w? .{0,40}(?:isn't|is not|wasn't|not|missing) (?:in|among|part of|included|listed|present|from|there)\b",
        0.8,
        unless=(r"ptxas", r"nvcc fatal"),
    ),
    Signature(
        r"(?:error=8|cuda runtime error \(8\)|\(8 vs\. 0\)|\(48 vs\. 0\)) ?:? .{0,10}(?:invalid device function|no kernel image)",
        0.68,
    ),
    Signature(
        r"sm_(?:86|89|90|1[0-2]\d)\b.{0,80}(?:不支持|不兼容|不在)|(?:RTX ?)?50[5-9]0.{0,80}(?:不支持|不兼容)",
        0.8,
    ),
    Signature(
        r"\bsm_(?P<sm>\d{2,3}) is not (?:compatible|supported)",
        0.85,
        when="gpu-newer-than-build",
        unless=(r"ptxas|nvcc",),
    ),
    # The CUDA that the text names came before the GPU that it names.
    Signature(
        r"不支持|不兼容|用不了|识别不到|n't (?:work|support)|not (?:being )?(?:support\w*|compatible|work\w*|us(?:ed|ing)|detect\w*|available)|is_available\(\)|hangs?\b|stuck|very slow|extremely slow|takes? (?:\S+ ){0,3}minutes|\bNaN\b|CUDNN_STATUS|CUBLAS_STATUS|invalid device function|no kernel image",
        0.72,
        when="cuda-older-than-gpu",
        unless=(
            r"nvcc fatal|Unsupported gpu architecture|ptxas|NVML|couldn't communicate|driver version is insufficient|unsupported GNU version|out of memory|cannot open shared object|Torch not compiled|DLL load failed",
            PACKAGES,
        ),
        explanation="The CUDA that the text names came before the GPU: nothing built with it holds code for it.",
    ),
    # Of two GPUs the older one works.
    Signature(
        r"no kernel image is available for execution on the device",
        0.72,
        needs=(r"\bT4\b|\bRTX ?[2-5]0\d\d|\bH[12]00\b|\bA100\b|\bL40?S?\b|\bA[1-4]0G?\b",),
        unless=(PACKAGES, BUILDING, LAUNCHERS, CALLS, OWN_WORK),
    ),
    # PaddlePaddle 2.6 and later.
    Signature(
        r"Mismatched GPU Architecture: .{0,120}but your current GPU is (?P<sm>\d{2,3})\b",
        0.93,
        when="gpu-newer-than-build",
    ),
    Signature(
        r"no kernel image is available",
        0.6,
        unless=(r"for execution on the device", PACKAGES, BUILDING, LAUNCHERS, CALLS, OWN_WORK),
    ),
)


FRAMEWORKS = ("torch", "tensorflow", "jax", "onnxruntime")


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    found = installed(frameworks, *FRAMEWORKS)
    need_gpu(host, gpu)
    gpus = by_capability(gpu)
    if not gpus:
        raise CannotLook("no GPU's compute capability is known")
    yield from untold_capabilities(gpu)
    for python, build in found:
        if isinstance(build.targets, Absent) or build.variant.startswith(("cpu", "rocm", "xpu")):
            continue
        if not isinstance(build.targets, Known):
            yield CouldNotTell(
                f"GPU code of {build.framework} in {python.path}: {build.targets.reason}",
                subject=subject(python, build),
            )
            continue
        yield from _one(python, build, gpu, gpus)


def _one(
    python: Interpreter, build: Build, gpu: Gpu, gpus: dict[str, str]
) -> Iterator[Problem | CouldNotTell]:
    assert isinstance(build.targets, Known)
    targets = build.targets.value
    for capability, label in gpus.items():
        served = judged(build, capability, gpu)
        if served.how == "cubin" or older_than_all(targets, capability):
            continue
        if served.how == "unknown":
            yield CouldNotTell(
                f"{build.framework} on {label}: {served.detail}", subject=subject(python, build)
            )
            continue
        name = f"{build.framework} {build.version}"
        missing = served.how == "none"
        too_new = missing and needed_ptx(build, capability) is not None
        lacks = "only PTX that this driver can't compile" if too_new else "no code"
        yield Problem(
            f"{name} has {lacks} for {label} (compute capability {capability})"
            if missing
            else f"{name} has only {served.detail}, for {label} ({capability})",
            subject=subject(python, build),
            severity="failure" if missing else "warning",
            evidence=(
                Evidence("GPU", f"{label}, compute capability {capability}"),
                *code_evidence(build, capability),
                Evidence("verdict", served.detail),
            ),
            fix=_newer_driver(_fix(python, build, gpu), build, capability)
            if missing
            else _fix(python, build, gpu),
        )


def _newer_driver(other: Fix, build: Build, capability: str) -> Fix:
    """Where only PTX serves the GPU and the driver is too old to compile it, a newer driver is the other way."""
    ptx = needed_ptx(build, capability)
    if ptx is None or ptx.branch is None:
        return other
    words = f"Update the driver to branch {ptx.branch} or newer, which compiles this build's PTX (ISA {ptx.isa}); or: "
    return other.replace(summary=f"{words}{other.summary[0].lower()}{other.summary[1:]}")


def _fix(python: Interpreter, build: Build, gpu: Gpu) -> Fix:
    if build.framework == "torch":
        commands = torch_reinstall(python, build.version, gpu)
        if commands:
            return Fix("Install the build of this release that has code for the GPU", commands, "unsafe")
        return Fix(
            "Install a newer PyTorch whose list covers the GPU: https://pytorch.org/get-started/locally/"
        )
    if build.framework == "tensorflow":
        return Fix(
            "Use a TensorFlow built for this GPU: NVIDIA's container image, a newer release, or a build of your own "
            "with this compute capability"
        )
    return Fix(f"Install a newer {build.framework} whose build covers the GPU")
