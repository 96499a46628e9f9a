"""The framework wants another CUDA major than the one installed

What it is: CuPy, TensorFlow, ONNX Runtime and JAX open CUDA's libraries by names that hold the major version
(libcublas.so.12). Only libraries of another major are installed where this interpreter looks.

Why it hurts: "libcublasLt.so.11: cannot open shared object file", "Cannot dlopen some GPU libraries", "CuPy is not
correctly installed", or ONNX Runtime falling back to the CPU.

How to tell: The CUDA major that the build was made with, against the libcudart that is there: NVIDIA's wheels in the same
interpreter, toolkits, and the loader's folders.

How to fix: Install the package for the CUDA that is there (cupy-cuda12x), or the CUDA libraries that the package wants,
as wheels in the same interpreter.

Sources: https://docs.cupy.dev/en/stable/install.html
https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements
https://www.tensorflow.org/install/source#gpu
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need_or
from gpudoctor.rules.pythons import installed, need_gpu, packages_of, pip, public, subject
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, major

explains = (
    "cuda-libs-missing-for-framework",
    "libcudart-missing",
    "cudnn-missing",
    "import-differs-from-files",
)

signatures: tuple[Signature | str, ...] = (
    # ONNX Runtime, CuPy, TensorFlow, CTranslate2, Paddle: a CUDA library of another major than the toolkit that is shown.
    Signature(
        r"lib(?:cublas|cublasLt|cudart|cufft|curand|cusolver|cusparse|nvrtc|nppc|cupti)\.so\.(?P<cuda>\d+(?:\.\d+)?)\W{0,3} cannot open",
        0.9,
        when="other-cuda-shown",
        explanation="The build wants CUDA {cuda}'s library; the CUDA that the text shows is another.",
    ),
    Signature(
        r"Could not load dynamic library '?lib(?:cublas|cublasLt|cudart|cusolver|cusparse|cufft)\.so\.(?P<cuda>\d+(?:\.\d+)?)\b",
        0.88,
        when="other-cuda-shown",
    ),
    Signature(
        r"Could not (?:load|find)(?: dynamic library)? '?(?:cudart64_|cublas64_|cusolver64_)(?P<cuda>\d{2,3})",
        0.9,
        when="other-cuda-shown",
    ),
    Signature(
        r"(?:cannot|could not|couldn't|can't|unable to|failed to) (?:open\w*|load\w*|find|locate) (?:the )?(?:dynamic |shared )?(?:library |libraries )?'?(?:cudart64_|cublas64_|cusolver64_|libcudart\.so\.|libcublas\.so\.)(?P<cuda>\d{2,3})",
        0.9,
        when="other-cuda-shown",
    ),
    Signature(
        r"(?:Error loading|Failed to load library|LoadLibrary failed).{0,160}(?:cublasLt64_|cudart64_|cublas64_)(?P<cuda>\d\d)",
        0.85,
        when="other-cuda-shown",
    ),
    Signature(r"CuPy failed to load libnvrtc\.so\.(?P<cuda>\d+)", 0.88, when="other-cuda-shown"),
    Signature(r"CuPy failed to load libnvrtc\.so\.(?P<cuda>\d+)", 0.45),
    Signature(r"CuPy is not correctly installed.{0,400}cupy-cuda\d+x?", 0.7),
    Signature(
        r"libcusolver\.so\.1[01]'?[:;]? ?.{0,80}(?:cannot open|dlerror|No such file)",
        0.8,
        needs=(r"libcublas\.so\.11|libcudart\.so\.11|CUDA 11|cuda-11",),
        unless=(r"lib(?:cublas|cudart)\.so\.11(?:\.0)?'?(?:: cannot open|; dlerror)", r"libnvJitLink"),
    ),
    Signature(r"Require(?:s|d)? (?:cuDNN \d\S* and )?CUDA (?P<cuda>\d\d)\.\S*.{0,160}make sure", 0.8),
    Signature(
        r"lib(?:cublas|cublasLt|cudart|cufft|curand|cusolver)\.so\.(?P<cuda>9|10|11)(?:\.\d)?: cannot open shared object file",
        0.6,
        needs=(r"onnxruntime|cupy",),
    ),
    Signature(
        r"libcublas\.so\.11: cannot open|libcublasLt\.so\.11: cannot open|libcufft\.so\.10: cannot open",
        0.7,
        needs=(r"onnxruntime|CUDA_PATH is set",),
    ),
    Signature(
        r"(?:detected|found) CUDA (?:version )?\d+\.\d+.{0,80}(?:but|while).{0,60}(?:built|compiled) (?:for|with|against) CUDA",
        0.75,
        unless=(r"mismatches the version that was used to compile",),
    ),
    # JAX, versions.cc and xla_cuda12/__init__.py.
    Signature(
        r"Found (?:CUDA|cuBLAS|cuFFT|cuSPARSE|cuSOLVER) version \d+, but JAX was built against version \d+",
        0.95,
    ),
    Signature(r"Outdated (?:CUDA|cuBLAS|cuFFT|cuSPARSE|cuSOLVER|CUPTI) installation found", 0.93),
    # CTranslate2, faster-whisper.
    Signature(
        r"Library (?:lib)?cublas(?:Lt)?(?:\.so\.|64_)(?P<cuda>\d\d)\S{0,12} is not found or cannot be loaded",
        0.9,
        when="other-cuda-shown",
        explanation="The build wants CUDA {cuda}'s library; the CUDA that the text shows is another.",
    ),
    Signature(
        r"(?:Could not (?:locate|load library)|depends on) \S{0,3}(?:lib)?(?:cublas|cublasLt|cudart)(?:\.so\.|64_)(?P<cuda>\d\d)",
        0.92,
        when="other-cuda-shown",
    ),
    Signature(
        r"error while loading shared libraries: lib(?:cublas|cublasLt|cudart|cufft|curand|cusolver|cusparse|nvrtc)\.so\.(?P<cuda>\d+(?:\.\d+)?)",
        0.9,
        when="other-cuda-shown",
    ),
    Signature(
        r"(?:Could not find|cannot find|no such file).{0,40}libnvrtc\.so\.(?P<cuda>\d\d)",
        0.88,
        when="other-cuda-shown",
    ),
    Signature(
        r"(?:ImportError|OSError)\W{1,3}lib(?:cublas|cublasLt|cudart|cufft|curand|cusolver|cusparse|nvrtc)\.so\.(?P<cuda>\d+(?:\.\d+)?)(?!\S*: undefined)",
        0.86,
        when="other-cuda-shown",
    ),
    # Prose: "cublas64_11.dll is missing", "looks for libcublasLt.so.11", beside another CUDA.
    Signature(
        r"(?:lib)?(?:cublas|cublasLt|cudart|cufft|cusolver|cusparse|nvrtc)(?:\.so\.|64_)(?P<cuda>\d+(?:\.\d+)?)(?:\.dll|_0\.dll)?['\"`)]{0,2},? ?(?:is |was |are )?(?:not found|missing|required|needed|could not be (?:found|loaded)|cannot be (?:found|loaded)|can't be found|找不到|缺失|not available)",
        0.86,
        when="other-cuda-shown",
    ),
    Signature(
        r"(?:looks?|looking|search\w*|ask\w*|complain\w*|find|need\w*|requir\w*|want\w*|miss\w*|lack\w*|load|找|缺少|需要)(?: for| of| about| the| library| dynamic)* [`'\"]{0,2}(?:lib)?(?:cublas|cublasLt|cudart|cufft|cusolver|cusparse|nvrtc)(?:\.so\.|64_)(?P<cuda>\d+(?:\.\d+)?)",
        0.8,
        when="other-cuda-shown",
    ),
    # ONNX Runtime's release by its own table, beside another CUDA.
    Signature(
        r"onnxruntime_providers_cuda\.dll|libonnxruntime_providers_cuda\.so|Failed to create CUDAExecutionProvider",
        0.86,
        when="onnxruntime-for-another-cuda",
        unless=(r"cudnn\w*(?:64_\d\.dll|\.so\.\d)\W.{0,30}(?:missing|cannot|not found)",),
        explanation="This release of ONNX Runtime is built for another CUDA major than the one that the text shows.",
    ),
    # PaddlePaddle, gpu_resources.cc.
    Signature(
        r"compiled with CUDA (?P<cuda>[\d.]+\d),? but (?:the )?CUDA (?:runtime )?version in your machine is (?P<has>[\d.]+\d)",
        0.95,
        explanation="This build wants CUDA {cuda}; the machine's is {has}.",
    ),
    Signature(r"Require(?:s|d)? (?:cuDNN \d\S* and )?CUDA (?P<cuda>\d\d)\.", 0.85, when="other-cuda-shown"),
    # The release that the text names was built for another CUDA than the one it shows, by the tables.
    Signature(
        r"Failed to create CUDAExecutionProvider|Failed to create cuda provider|onnxruntime_providers_cuda|CreateExecutionProviderInstance|"
        r"error 12[67] \S{0,4} ?when trying to load|get_providers\(\)\W{1,8}CPUExecutionProvider|CUDAExecutionProvider",
        0.84,
        when="framework-wants-other-cuda",
        needs=(
            r"onnx ?r",
            r"fail\w*|error|n't\b|\bnot\b|only|CPUExecutionProvider|support|falls? back|slow|报错|失败|不",
        ),
        unless=(r"not in available provider|CUDA driver version is insufficient",),
        explanation="This release of ONNX Runtime was built for another major of CUDA than the one that the text names.",
    ),
    Signature(
        r"list_(?:physical|local)_devices|Num GPUs Available|is_gpu_available|Skipping registering GPU devices|gpu_device_name|Could not load dynamic library|"
        r"(?:GPUs?|CUDA) (?:is |are )?(?:not|n't) (?:being )?(?:found|detected|used|recogni[sz]ed|available|visible|working)|(?:not|n't) (?:detect\w*|find|found|see|recogni[sz]\w*|us(?:e|ing)) (?:the |my |any |a )?(?:GPU|CUDA)|识别不到 ?GPU|DLL load failed",
        0.8,
        when="framework-wants-other-cuda",
        needs=(
            r"tensor ?flow|\btf\b",
            r"n't\b|\bnot\b|false|\[\]|available: ?0|only|error|fail\w*|CPU:0|不",
        ),
        unless=(
            r"CUDA_ERROR_|CUDA driver version is insufficient|cudnn(?:64_\d+|\.so\.\d)\S{0,12}(?:: cannot|'; dlerror| not found)|GPU:0|is_available\(\)\W{1,12}False",
        ),
        explanation="This release of TensorFlow was built for another CUDA than the one that the text names.",
    ),
    Signature(
        r"(?:do(?:es)?n't|do(?:es)? not|not|only) (?:yet )?(?:support\w*|work\w*|compatible)(?: with)? CUDA ?(?:version )?\d\d\b|(?:use|install|need|requires?|downgrade to|go back to|wants?|expects?) CUDA ?(?:version )?\d\d(?:\.\w)?\b.{0,30}(?:instead|\bnot\b|\bbut\b)",
        0.74,
        needs=(
            r"onnx ?r|\bORT\b|tensor ?flow|cupy|paddle|ctranslate|faster-whisper|\bjax|mxnet|numba",
            r"fail\w*|error|n't\b|\bnot\b|cannot",
        ),
        unless=(r"driver (?:version )?(?:is )?(?:too old|insufficient)|Torch not compiled",),
    ),
    Signature(
        r"cupy-cuda\d\d[x\d]",
        0.8,
        when="framework-wants-other-cuda",
        needs=(r"error|fail\w*|n't\b|\bnot\b|cannot",),
        unless=(r"libnvJitLink|already installed|multiple CuPy",),
    ),
    Signature(
        r"CuPy failed to load lib(?:nvrtc|cublas|cufft|cusolver|cusparse|curand)\S*\.so\.(?P<cuda>\d+)",
        0.8,
        needs=(r"cupy-cuda11x", r"cupy-cuda1[23]x"),
        explanation="This CuPy opens CUDA {cuda}'s libraries, which are not there: another CUDA's CuPy belongs here.",
    ),
)


#: torch is not among them: its wheels bring or pin their own libraries.
FRAMEWORKS = ("cupy", "tensorflow", "onnxruntime", "jax")


def check(host: Host, gpu: Gpu, libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    need_gpu(host, gpu)
    judged = False
    for python, build in installed(frameworks, *FRAMEWORKS):
        wanted = value_of(build.cuda, "")
        if not is_version(wanted):
            continue
        present = {**_wheels(python), **_libraries(libraries, python)}
        if not present:
            continue  # no CUDA at all is another cause
        judged = True
        if major(wanted) not in present:
            yield _problem(python, build, wanted, present)
    if not judged:
        raise DoesNotApply("no framework that needs CUDA libraries from outside, or none of these is there")


def _wheels(python: Interpreter) -> dict[int, str]:
    found = {}
    for own in packages_of(python):
        match = re.fullmatch(r"nvidia-(?:cuda-runtime|cublas)(?:-cu(\d+))?", own.name)
        if match and is_version(own.version):
            found[int(match[1]) if match[1] else major(own.version)] = f"{own.name} {own.version}"
        elif own.name in ("cudatoolkit", "cuda-cudart") and is_version(own.version):
            found[major(own.version)] = f"{own.name} {own.version}"
    return found


def _libraries(libraries: Libraries, python: Interpreter) -> dict[int, str]:
    """Of libcudart: other interpreters' copies don't count, nor files without content."""
    found = {}
    for copy in need_or(libraries.copies, "CUDA library", ()):
        match = re.fullmatch(r"libcudart\.so\.(\d+).*", copy.name)
        if not match or copy.family != "cudart" or copy.size == 0:
            continue
        if copy.origin in ("wheel", "conda") and copy.owner not in (python.prefix, ""):
            continue
        found[int(match[1])] = copy.path
    return found


def _problem(python: Interpreter, build: Build, wanted: str, present: dict[int, str]) -> Problem:
    name = build.distribution or build.framework
    there = " and ".join(str(n) for n in sorted(present))
    return Problem(
        f"{name} {build.version} wants CUDA {major(wanted)}, installed is CUDA {there}",
        subject=subject(python, build),
        evidence=(
            seen(f"CUDA that {name} was built with", build.cuda),
            *(Evidence(f"CUDA {n}", where, where) for n, where in sorted(present.items())),
        ),
        fix=_fix(python, build, major(wanted), max(present)),
    )


def _fix(python: Interpreter, build: Build, wanted: int, present: int) -> Fix:
    install = pip(python, build)
    if build.framework == "cupy":
        return Fix(
            f"Install CuPy for CUDA {present}",
            (f"{python.path} -m pip uninstall -y {build.distribution}", f"{install} cupy-cuda{present}x"),
            "unsafe",
        )
    if build.framework == "tensorflow":
        return Fix(
            f"Install the CUDA {wanted} libraries that this TensorFlow pins",
            (f"{install} 'tensorflow[and-cuda]=={public(build.version)}'",),
            "unsafe",
        )
    if build.framework == "jax":
        return Fix(
            f"Install JAX's libraries for CUDA {wanted}", (f"{install} 'jax[cuda{wanted}]'",), "unsafe"
        )
    return Fix(
        f"Install the CUDA {wanted} and cuDNN libraries that this ONNX Runtime opens",
        (f"{install} 'onnxruntime-gpu[cuda,cudnn]=={public(build.version)}'",),
        "unsafe",
    )
