"""Several CUDA libraries that a framework opens are found nowhere

What it is: A framework opens CUDA's libraries by name when it looks for GPUs. The loader finds no file for some of
these names. TensorFlow does not say for which: "Cannot dlopen some GPU libraries. Skipping registering GPU devices".

Why it hurts: TensorFlow then runs on the CPU without a failure; other frameworks end at their import.

How to tell: The names that the framework opens, each played through the loader's search from the library that opens it.

How to fix: Install the framework together with its CUDA libraries, as wheels: `tensorflow[and-cuda]`, `jax[cuda12]`,
`onnxruntime-gpu[cuda,cudnn]`. A system-wide CUDA is not needed for that, nor LD_LIBRARY_PATH.

Sources: https://github.com/tensorflow/tensorflow/issues/66987
https://github.com/tensorflow/tensorflow/issues/63362
https://www.tensorflow.org/install/pip
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import Loading, build_of, load_evidence, loadings, missing
from gpudoctor.signature import Signature

explains = ("smoke-ran-on-cpu", "cudnn-missing", "libcudart-missing")

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"Cannot dlopen some GPU libraries",
        0.88,
        when="not-one-library-alone",
        unless=(r"CUDA driver version is insufficient",),
    ),
    Signature(
        r"Could not load dynamic library '(?:lib(?:cu|nccl)\w+\.so|cu\w+64_)", 0.85, when="several-libraries"
    ),
    Signature(
        r"(?:Couldn't open CUDA library|cannot open shared object file)", 0.82, when="several-libraries"
    ),
    Signature(
        r"lib(?:cublas|cublasLt|cufft|curand|cusolver|cusparse|nccl|nvrtc(?:-builtins)?|cupti|cufile|nvJitLink|cusparseLt|nvshmem_host)\.so(?:\.\d+)*\W{1,4}cannot open",
        0.68,
        unless=(r"cupy-cuda11x",),
    ),
    Signature(r"Library (?:libcublas|cublas64_|cublasLt64_)\S+ is not found or cannot be loaded", 0.85),
    Signature(
        r"Skipping registering GPU devices", 0.5, unless=(r"libcudnn|CUDA driver version is insufficient",)
    ),
    Signature(r"Failed to create CUDAExecutionProvider", 0.55),
    Signature(
        r"LoadLibrary failed with error 12[67] .{0,80}when trying to load .{0,200}onnxruntime_providers_cuda",
        0.72,
    ),
    Signature(
        r"Error loading .{0,120}(?:cublas|cufft|curand|cusolver|cusparse|c10_cuda|torch_cuda|caffe2_nvrtc)\S*\.dll",
        0.75,
    ),
    Signature(
        r"preload.{0,60}libnvidia|ValueError: lib(?:cublas|nvrtc|cufft)\.so\.\*\[0-9\] not found in the system path",
        0.85,
        needs=(r"not found",),
    ),
    # JAX, jax_plugins/xla_cuda12 and versions_helpers.cc: one check for each library.
    Signature(r"Unable to load cu(?:SPARSE|BLAS|FFT|SOLVER|PTI)\. Is it installed", 0.85),
    Signature(r"The (?:cuSPARSE|cuBLAS|cuFFT|cuSOLVER|CUPTI|cuda runtime) library was not found", 0.85),
    # CuPy on Windows lists what it looked for.
    Signature(r"(?:cublas|cufft|curand|cusolver|cusparse|nvrtc)64_\w+\.dll -> not found", 0.88),
    Signature(
        r"(?:Library|DLL|dynamic library) \S*(?:cublas|cufft|cusolver|curand|cusparse|nvrtc)\S* (?:is )?(?:not found|missing|cannot be (?:found|loaded))",
        0.75,
    ),
    Signature(
        r"Failed to (?:load|dlopen|open) \S{0,60}lib(?:cublas|cufft|curand|cusolver|cusparse|nvrtc)\S*\.so",
        0.7,
        unless=(r"cupy-cuda11x",),
    ),
    Signature(r"failed to open libnvrtc-builtins\.so", 0.88),
    Signature(
        r"libnvinfer\w*\.so(?:\.\d+)*: cannot open shared object file",
        0.6,
        unless=(r"TF-TRT|Could not load dynamic library 'libnvinfer",),
    ),
    # faster-whisper and CTranslate2, whose DLLs and objects are looked for when they are first used.
    Signature(
        r"Could not (?:locate|load library) (?:cublas|cublasLt|cufft|curand|cusolver|cusparse|nvrtc|nvJitLink)\w*64_\w+\.dll",
        0.88,
    ),
    Signature(
        r"Could not load library lib(?:cublas|cublasLt|cufft|curand|cusolver|cusparse|nvrtc)\S*\.so", 0.8
    ),
    Signature(r"Could not load library libcudnn\S+ Error: lib(?:nvrtc|cublas\w*)\.so\S*: cannot open", 0.9),
    Signature(
        r"error while loading shared libraries: lib(?:cublas|cublasLt|cufft|curand|cusolver|cusparse|nvrtc|npp\w+|nvToolsExt|cupti)\.so",
        0.85,
    ),
    Signature(
        r"lib(?:npp\w+|nvToolsExt|nvjpeg|nvtx\w*|nvpl\w+)\.so(?:\.\d+)*: cannot open shared object file", 0.7
    ),
    Signature(
        r"depends on \S{0,20}(?:cublas|cublasLt|cufft|curand|cusolver|cudart)\w*64_\w+\.dll\S{0,3} which is missing",
        0.9,
    ),
    Signature(
        r"(?:cublas|cublasLt|cufft|curand|cusolver|cusparse)64_\d+\.dll'?;? (?:dlerror|was not found|is missing|not found)",
        0.75,
    ),
    # ONNX Runtime on Windows: the provider is there, something that it needs is not.
    Signature(
        r"LoadLibrary failed with error 126 .{0,200}onnxruntime_providers_(?:cuda|tensorrt)\.dll",
        0.78,
    ),
    # ldd.
    Signature(r"\.so[\d.]{0,12} => not found", 0.85, when="several-libraries"),
    # PaddlePaddle, dynload.
    Signature(
        r"(?:Cannot|Could not|Failed to) load (?:lib)?(?:cublas|cublasLt|cusolver|cusparse|cufft|curand|nvrtc|cupti) (?:shared|dynamic) library",
        0.85,
    ),
)


_ALONE = ({"cudart"}, {"cudnn"})


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        lacks = missing(loading)
        families = {load.family for load in lacks}
        if not lacks or families in _ALONE:
            continue
        interpreter, build = build_of(loading, frameworks)
        others = [c for c in value_of(libraries.copies, ()) if c.family in families]
        yield Problem(
            f"{loading.framework} finds {len(lacks)} of its CUDA libraries nowhere: "
            + ", ".join(load.soname for load in lacks),
            loading.subject,
            evidence=(
                *load_evidence(lacks),
                *(Evidence("there is", c.path, c.package or c.origin) for c in others[:3]),
            ),
            fix=_fix(loading, build, interpreter.path if interpreter else ""),
        )


def _fix(loading: Loading, build: Build | None, python: str) -> Fix:
    version = build.version.partition("+")[0] if build else ""
    major = value_of(build.cuda, "").partition(".")[0] if build else ""
    wanted = {
        "tensorflow": f"tensorflow[and-cuda]=={version}",
        "jax": f"jax[cuda{major}]=={version}",
        "onnxruntime": f"onnxruntime-gpu[cuda,cudnn]=={version}",
    }.get(loading.framework if version and major else "")
    if not wanted or not python:
        return Fix("Install the framework again, together with the CUDA libraries that its package requires")
    return Fix(f"Install {wanted}", (f'{python} -m pip install "{wanted}"',), "unsafe")
