"""An extension holds no code for CUDA though PyTorch does

What it is: The extension was compiled on a machine, or in an isolated build, where no CUDA toolkit was found, or its
wheel brings no library for the CUDA that PyTorch uses.

Why it hurts: Its GPU functions raise "Not compiled with GPU support" (detectron2, mmcv, torch-scatter, xformers), or
bitsandbytes reports that libbitsandbytes_cudaNNN.so was not found.

How to tell: None of the extension's shared objects holds a fatbin, or bitsandbytes' folder has no library named after
PyTorch's CUDA version (newer releases take another one of the same major); PyTorch itself is a CUDA build.

How to fix: Compile it again with the toolkit on PATH and FORCE_CUDA=1 (needed where no GPU is visible), without build
isolation so that it sees the installed PyTorch; or install its CUDA wheel. For bitsandbytes install a newer release.

Sources: https://github.com/open-mmlab/mmcv/blob/main/setup.py (FORCE_CUDA)
https://github.com/facebookresearch/detectron2/blob/main/INSTALL.md
https://huggingface.co/docs/bitsandbytes/main/en/errors
https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/bitsandbytes/cextension.py
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.pythons import build_named, installed, need_gpu, pip, public, subject
from gpudoctor.signature import Signature

#: Extensions that always have CUDA sources. Others (torchtext, torchaudio) may rightly hold none.
WITH_CUDA = frozenset({
    "mmcv", "mmcv-full", "detectron2", "torch-scatter", "torch-sparse", "torch-cluster", "pytorch3d", "xformers",
    "flash-attn", "causal-conv1d", "mamba-ssm", "bitsandbytes",
})  # fmt: skip


signatures: tuple[Signature | str, ...] = (
    # detectron2, mmcv, torchvision, torch_scatter, bitsandbytes, DeepSpeed, GroundingDINO.
    Signature(r"(?:is )?not compiled with GPU support", 0.93, unless=(r"XGBoost|OpenCV",)),
    Signature(r"(?:MMDetection|MMCV|MMSegmentation) CUDA Compiler:? ?not available", 0.95),
    Signature(r"CUDA Compiler: not available", 0.85),
    Signature(r"libbitsandbytes_cuda\w+\.so: cannot open shared object file", 0.85),
    Signature(r"Required library version not found: libbitsandbytes_cuda", 0.9),
    Signature(r"(?:Configured CUDA binary|CUDA binary) not found at .{0,120}libbitsandbytes", 0.9),
    Signature(r"The installed version of bitsandbytes was compiled without GPU support", 0.93),
    Signature(r"Not compiled with CUDA support", 0.8),
    Signature(
        r"Detected that PyTorch and \w+ were compiled with different CUDA versions\.? .{0,80}has CUDA version 0\.0",
        0.98,
    ),
    Signature(
        r"Could not run '(?!torch(?:vision|audio)::)[\w:.]+' with arguments from the 'CUDA' backend",
        0.75,
        unless=(r"torch \S+\+cpu", r"torchvision[ =:]{1,12}\d\S*\+cpu"),
    ),
    Signature(r"NameError: name '_C' is not defined", 0.9, unless=(r"torch[/\\]__init__\.py",)),
    Signature(r"Failed to load custom C\+\+ ops\. Running on CPU mode Only", 0.92),
    Signature(r"(?:detectron2\._C|DETECTRON2).{0,80}not built correctly", 0.9),
    Signature(
        r"(?:ops|extension|package|module|library) (?:was |is )?(?:not )?(?:built|compiled) without (?:CUDA|GPU)",
        0.8,
    ),
    Signature(
        r"Compiler not compiled with CUDA|was not built with CUDA|not built with CUDA support",
        0.6,
        needs=(r"CUDA",),
    ),
    Signature(
        r"name 'fused_\w+' is not defined|No module named '(?:amp_C|fused_layer_norm_cuda|apex_C|_ext|exllama_kernels|awq_ext|quant_cuda)'",
        0.8,
        needs=(r"is not defined|No module named",),
    ),
    Signature(r"apex was installed without --(?:cuda_ext|cpp_ext)", 0.93),
    Signature(r"Could not find the bitsandbytes CUDA binary at", 0.9, when="not-on-windows"),
    Signature(
        r"CUDA extension (?:is )?(?:not installed|not available|not found|could not be loaded|failed to load)",
        0.75,
    ),
    Signature(
        r"(?:failed to|could not|unable to) (?:load|import) (?:the )?(?:custom )?(?:CUDA|C\+\+) (?:extension|kernel|op)s?",
        0.65,
    ),
    Signature(
        r"(?:was|were|is) (?:built|compiled) without (?:GPU|CUDA|cuda|cublas) ?(?:support)?",
        0.7,
        unless=(r"torch \S+\+cpu",),
    ),
    Signature(r"Compiling \S+ (?:only )?without CUDA", 0.9),
    Signature(r"xFormers wasn't buil[dt] with CUDA support", 0.85, unless=(r"capability \(",)),
    Signature(r"'_OpNamespace' 'torchvision' object has no attribute", 0.6),
    Signature(r"CUDA kernels? for \S+ (?:is|are) not installed", 0.8),
    # mmcv's ops, MinkowskiEngine, bitsandbytes on Linux, AutoAWQ, and modules that only a CUDA build makes.
    Signature(r"\w+_impl: implementation for device cuda\S{0,4} not found", 0.95),
    Signature(r"compiled with CPU_ONLY flag", 0.93),
    Signature(r"libbitsandbytes_cpu\.so: undefined symbol", 0.93, when="not-on-windows"),
    Signature(r"Loading binary \S+libbitsandbytes_cpu\.so", 0.72, when="not-on-windows"),
    Signature(
        r"No module named '?(?:mmcv\._ext|detectron2\._C|awq_inference_engine|MultiScaleDeformableAttention|fused_adam_cuda|[\w.]+(?:\._ext|_cuda(?:_\w+)?|_CUDA))\b",
        0.78,
    ),
    # FFmpeg and OpenCV that were built without NVIDIA's parts.
    Signature(
        r"Unknown (?:encoder|decoder) '(?:h264|hevc|av1|vp9)_(?:nvenc|cuvid)'|Unrecognized hwaccel: (?:cuda|nvdec|cuvid)",
        0.75,
    ),
    Signature(r"The library is compiled without CUDA support|\(Opencv\S{0,40} .{0,40}without CUDA", 0.85),
    # A compiled module that lacks its functions for the GPU: MinkowskiEngine and others.
    Signature(
        r"module '[\w.]{1,80}' has no attribute '\w*(?:GPU|Cuda|CUDA|_cuda)\w*'",
        0.82,
        needs=(r"_C'|_ext'|_backend'|Backend\S*'",),
    ),
    # The reporter on what was installed.
    Signature(
        r"(?:mmcv\S*|detectron2|torch[-_](?:scatter|sparse|cluster|spline\S*)|xformers|spconv|pytorch3d|apex|DCNv2|MinkowskiEngine|bitsandbytes|opencv\S*)(?: \S+){0,14} (?:an? |the |only |its )?cpu(?:[- ]only)?[`'\"]? (?:version|build|wheel)|"
        r"(?:built|compiled|installed|build) (?:\S+ ){0,5}(?:on|in) (?:an? )?(?:machine|environment|node|docker|container|host|server)s? without (?:an? |any )?GPUs?",
        0.74,
        needs=(
            r"mmcv|detectron|torch[-_]s|torch[-_]c|xformers|spconv|pytorch3d|apex|DCN|Minkowski|bitsandbytes|opencv|extension|custom op|CUDA op|_C\b",
        ),
    ),
    # dlib; OpenCV's wheels from PyPI.
    Signature(r"DLIB_USE_CUDA\W{0,4}(?:is|=|:|->|returns)?\W{0,4}False|DLIB WILL NOT USE CUDA", 0.9),
    Signature(
        r"getCudaEnabledDeviceCount\(\)\W{0,6}(?:returns?|is|gives|prints|==?|:)?\W{0,4}0\b",
        0.78,
        unless=(r"driver",),
    ),
    Signature(
        r"not (?:implemented|supported|available) (?:for|in|on|with) (?:this |an? )?CPU[- ]only builds?", 0.85
    ),
    # apex's optimizers and layers, Megatron: installed without --cuda_ext.
    Signature(
        r"(?:requires?|needs?)(?: the)? (?:cuda|c\+\+)(?: and \S{2,6})? extensions?\b|"
        r"(?:must be|please) (?:re-?)?(?:install\w*|buil[dt]|compil\w+) (?:\S+ ){0,8}(?:--cuda_ext|with cuda and c(?:pp|\+\+) ext)",
        0.9,
        needs=(r"apex|fused|extension",),
        unless=(r"CUDA_HOME|nvcc: (?:command )?not found|mismatches the version",),
    ),
    Signature(r"\b(?:fused_\w{3,40}|amp_C|apex_C)(?: module)? is not (?:found|available|installed)", 0.85),
)


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    need_gpu(host, gpu)
    judged = False
    for python, build in installed(frameworks):
        torch = build_named(python, "torch")
        if build.framework not in WITH_CUDA or torch is None or not isinstance(torch.cuda, Known):
            continue
        judged = True
        if isinstance(build.cuda_code, Absent):
            continue  # no library at all: pure Python, or installed in part
        if not isinstance(build.cuda_code, Known):
            yield CouldNotTell(f"{build.framework}: {build.cuda_code.reason}", subject=subject(python, build))
        elif not build.cuda_code.value or _bitsandbytes_lacks(build, torch):
            yield _problem(python, build, torch)
    if not judged:
        raise DoesNotApply("no extension with CUDA sources beside a CUDA build of PyTorch")


def _bitsandbytes_lacks(build: Build, torch: Build) -> bool:
    """bitsandbytes opens the library of exactly PyTorch's CUDA version ("124" for 12.4); later releases take another
    of the same major where that is missing."""
    wanted, has = "".join(value_of(torch.cuda, "").split(".")[:2]), build.detail.split()
    if build.framework != "bitsandbytes" or not wanted or wanted in has:
        return False
    return not ("same-major" in has and any(v[:-1] == wanted[:-1] for v in has if v.isdigit()))


def _problem(python: Interpreter, build: Build, torch: Build) -> Problem:
    name = f"{build.framework} {build.version}"
    if build.framework == "bitsandbytes":
        wanted = "".join(value_of(torch.cuda, "").split(".")[:2])
        has = build.detail or "none"
        return Problem(
            f"{name} brings no library for PyTorch's CUDA {value_of(torch.cuda, '')}",
            subject=subject(python, build),
            evidence=(
                Evidence("CUDA versions that it has libraries for", has, build.location),
                Evidence("library that it opens", f"libbitsandbytes_cuda{wanted}.so"),
                seen("CUDA of PyTorch", torch.cuda),
            ),
            fix=Fix(
                "Install a newer bitsandbytes", (f"{pip(python, build)} --upgrade bitsandbytes",), "unsafe"
            ),
        )
    return Problem(
        f"{name} was built without CUDA, PyTorch {torch.version} with it",
        subject=subject(python, build),
        evidence=(
            seen("its libraries hold GPU code", build.cuda_code),
            seen("CUDA of PyTorch", torch.cuda),
        ),
        fix=Fix(
            "Compile it again with CUDA (nvcc must be on PATH), or install its CUDA wheel",
            (
                f"FORCE_CUDA=1 {pip(python, build)} --no-build-isolation --no-cache-dir --no-deps "
                f"--force-reinstall --no-binary :all: {build.framework}=={public(build.version)}",
            ),
            "unsafe",
        ),
    )
