"""A framework is installed in its CPU build

What it is: PyTorch and TensorFlow are published in builds with and without CUDA. This environment has one without: it
came from PyTorch's cpu index, is tensorflow-cpu, is what PyPI serves for this platform, or was chosen by conda where no
driver was seen (in `docker build`, on a login node).

Why it hurts: A CPU build contains no GPU code at all: everything runs on the CPU, whatever the driver and the GPU are.
PyTorch's torch.cuda.is_available() is then False, TensorFlow's tf.config.list_physical_devices('GPU') is empty.

How to tell: torch/version.py says `cuda = None`, the version ends in +cpu, conda's build string starts with cpu, or
TensorFlow's build_info says that it is no CUDA build.

How to fix: PyTorch: install the build for a CUDA that this driver runs, from PyTorch's own index. TensorFlow: uninstall
tensorflow-cpu and install 'tensorflow[and-cuda]'. With conda ask for the CUDA build by name, and set CONDA_OVERRIDE_CUDA
where the driver is not visible.

Sources: https://github.com/pytorch/pytorch/issues/106565
https://pytorch.org/get-started/locally/
https://www.tensorflow.org/install/pip
https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-virtual.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.pythons import by_conda, installed, need_gpu, pip, subject, torch_reinstall
from gpudoctor.signature import Signature
from gpudoctor.versions import at_least, is_version

explains = (
    "abi-mismatch-extension",
    "torchvision-torchaudio-mismatch",
    "extension-built-without-cuda",
    "import-differs-from-files",
    "smoke-ran-on-cpu",
)

signatures: tuple[Signature | str, ...] = (
    # PyTorch, torch/cuda/__init__.py.
    Signature(
        r"Torch not compiled with CUDA enabled",
        0.92,
        unless=(
            r"\+rocm",
            r"Apple M\d|macOS|Darwin|/opt/homebrew|\bMac(?:Book)?\b",
            r"Intel Arc|\bArc [AB]\d{3}\b|intel[-_]extension[-_]for[-_]pytorch",
        ),
    ),
    Signature(r"PyTorch is not compiled with (?:CUDA|NCCL)", 0.8),
    Signature(r"you have \d[\w.]*\+cpu", 0.97),
    Signature(
        r"(?:torch|torchvision|torchaudio|pytorch)(?: version)?\W{1,12}\d[\w.]*\+cpu\b",
        0.85,
        unless=(r"CUDA driver version is insufficient", r"\b(?:py)?torch[ =:]{1,12}\d\S*\+cu\d"),
    ),
    Signature(r"PyTorch version: \d[\w.]*\+cpu\b", 0.9),
    Signature(r"pytorch .{0,30}py3\.\d+_cpu_\d", 0.92),
    Signature(r"(?:^|\s)cpuonly (?:\d|main|pytorch)", 0.85),
    Signature(
        r"cpu_(?:py|generic_py|mkl_py|openblas)\w*_\d", 0.85, needs=(r"pytorch|libtorch|jaxlib|tensorflow",)
    ),
    Signature(r"libc10_cuda\.so: cannot open shared object file", 0.85),
    Signature(r"libtorch_cuda\.so: cannot open shared object file", 0.85),
    Signature(
        r"CUDA used to build PyTorch: None",
        0.9,
        unless=(r"ROCM used to build PyTorch: \d", r"OS: (?:macOS|Mac OS X)"),
    ),
    Signature(r"torch\.version\.cuda\W{1,6}None", 0.85),
    # Hugging Face, DeepSpeed, Lightning on a CPU build.
    Signature(
        r"Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False", 0.5
    ),
    # TensorFlow.
    Signature(r"tensorflow-cpu(?: \w+){0,2}(?:==| ?)\d", 0.75, needs=(r"GPU|gpu|cuda|[rg]tx",)),
    Signature(r"is_built_with_cuda\(\)\W{1,6}False", 0.8, when="not-on-windows"),
    Signature(
        r"Could not find (?:the )?operation.{0,40}device:GPU|Cannot assign a device for operation.{0,200}(?:not compiled with|was not built with) CUDA",
        0.7,
        needs=(r"GPU",),
    ),
    Signature(
        r"not (?:been )?(?:compiled|built) with CUDA support",
        0.45,
        unless=(r"OpenCV|opencv|ffmpeg|mmcv|detectron|torchvision|torch_scatter|torch_sparse",),
    ),
    # CTranslate2, faiss, ONNX Runtime, LightGBM, XGBoost, llama-cpp-python.
    Signature(r"This CTranslate2 package was not compiled with CUDA support", 0.95),
    Signature(r"Specified provider 'CUDAExecutionProvider' is not in available provider names", 0.85),
    Signature(
        r"CUDA Tree Learner was not enabled in this build|XGBoost version not compiled with GPU support|not compiled with (?:GPU|CUDA) offload",
        0.85,
        needs=(r"CUDA|GPU",),
    ),
    # llama.cpp, server and CLI, where nothing failed before.
    Signature(
        r"no usable GPU found, --gpu-layers option will be ignored",
        0.5,
        unless=(r"failed to initialize CUDA", r"no CUDA devices found"),
    ),
    Signature(r"^['\"]?\d+\.\d+\.\d+\w*\+cpu['\"]?$", 0.92),
    Signature(r"No supported gpu backend found", 0.35),
    # ONNX Runtime lists what its build holds; insightface, faceswap and others quote it. .NET's and Rust's bindings.
    Signature(
        r"CUDAExecutionProvider'? (?:is )?not (?:found |available |enabled )?in \S{0,40}(?:the )?(?:list of )?available[_ ]providers",
        0.87,
    ),
    Signature(r"does not contain a subset of available providers \[(?!.{0,200}CUDA)", 0.87),
    Signature(
        r"(?:get_available_providers\(\)\W{1,12}|available[_ ](?:execution )?providers\W{1,8})(?:AzureExecutionProvider\W{1,4})?CPUExecutionProvider",
        0.82,
    ),
    # What get_available_providers() lists of a build without CUDA: a build with it names CUDAExecutionProvider, GPU or not.
    Signature(
        r"\[['\"]AzureExecutionProvider['\"], ?['\"]CPUExecutionProvider['\"]\]",
        0.82,
        needs=(r"cuda|gpu|nvidia",),
    ),
    Signature(r"CUDA execution provider is not enabled in this build", 0.92),
    # PaddlePaddle, MXNet, LightGBM, CatBoost, faiss, DGL and TVM, llama-cpp-python.
    Signature(
        r"installed CPU version PaddlePaddle|Paddle(?:Paddle)? is not (?:compiled|installed) with (?:CUDA|GPU)|Please (?:re)?install (?:a )?paddlepaddle-gpu",
        0.93,
    ),
    Signature(r"Compile with USE_CUDA=1 to enable GPU usage|GPU is not enabled.{0,80}mxnet", 0.9),
    Signature(r"GPU Tree Learner was not enabled in this build", 0.9),
    Signature(r"Environment for task type \[GPU\] not found", 0.8),
    Signature(
        r"module 'faiss\S{0,20}' has no attribute '(?:StandardGpuResources|Gpu\w+|index_cpu_to_\w*gpus?\w*)'",
        0.93,
    ),
    Signature(r"Device API (?:cuda|gpu) is not enabled", 0.9),
    Signature(r"compiled without (?:cuBLAS|CUDA|GPU offload)", 0.7, needs=(r"llama|whisper|ggml",)),
    # Conda's build strings, older and newer; conda's and pip's own commands.
    Signature(r"(?:pytorch|libtorch|torch)\S{0,30}[ =|-]{1,30}\S{0,12}(?:[_-]cpu_|py3\.\d+_cpu_)", 0.88),
    Signature(r"(?:tensorflow|tensorflow-base)[ =-]{1,30}\d\S{1,12}[ =-]{1,30}(?:mkl|eigen|cpu)_py", 0.85),
    Signature(
        r"conda install .{0,160}\bcpuonly\b", 0.82, unless=(r"conda (?:uninstall|remove).{0,40}cpuonly",)
    ),
    Signature(
        r"download\.pytorch\.org/whl/(?:nightly/|test/)?cpu\b",
        0.8,
        needs=(r"cuda|gpu|nvidia",),
        unless=(r"from versions",),
    ),
    Signature(r"torch\.backends\.cuda\.is_built\(\)\W{1,6}False", 0.85, unless=(r"\+rocm|macOS|Darwin",)),
    # apex and others that ask what torch was built with.
    Signature(r"Pytorch binaries were compiled with Cuda None", 0.97),
    Signature(
        r"\b\d\.\d{1,2}\.\d\+cpu\b",
        0.82,
        needs=(r"torch",),
        unless=(
            r"from versions",
            r"CUDA driver version is insufficient",
            r"\b(?:py)?torch[ =:]{1,12}\d\S*\+cu\d",
        ),
    ),
    Signature(
        r"(?:installed|have|using|got|is) (?:the |a )?cpu(?:[- ]only)? (?:version|build|wheel|variant)s? of (?:py)?torch|(?:py)?torch (?:is|was) (?:the |a )?cpu(?:[- ]only)? (?:version|build|wheel)|安装(?:的是|了) ?CPU ?版",
        0.7,
        needs=(r"gpu|cuda",),
    ),
    # torch.__config__.show(); llama-cpp-python's system information; conda's build strings without their end; prose.
    Signature(
        r"USE_CUDA=(?:0|OFF)\b",
        0.85,
        needs=(r"PyTorch built with|__config__",),
        unless=(r"USE_ROCM=(?:1|ON)",),
    ),
    Signature(
        r"\bBLAS = 0\b|supports_gpu_offload\(\)\W{0,4}(?:returns|is|=|:)?\W{1,4}False", 0.8, needs=(r"llama",)
    ),
    Signature(
        r"(?:pytorch|libtorch|torch|jaxlib|tensorflow).{0,40}[ _-]cpu_(?:generic|mkl|openblas|py3)", 0.85
    ),
    Signature(
        r"torch\.version\.cuda\W{0,6}(?:prints?|returns?|is|gives?|shows?|outputs?|says|->|=>)\W{1,5}None|torch\.version\.cuda.{0,30} prints? None",
        0.85,
        unless=(r"rocm|\bhip\b|radeon", r"Apple M\d|macOS|Darwin|\bMac(?:Book)?\b"),
    ),
    Signature(
        r"Is CUDA available: False|is_available\(\)\W{1,40}False|is_available\(\) (?:is|returns?|gives?|prints?|shows?|返回|输出|为|是)\W{0,3}False",
        0.75,
        when="plain-torch-on-windows",
        explanation="On Windows the wheel that PyPI serves has no CUDA; a build with it says so in its version (+cuNNN).",
    ),
    # EasyOCR and others on what torch.cuda.is_available() says.
    Signature(
        r"Neither CUDA nor MPS are available - defaulting to CPU",
        0.55,
        unless=(r"driver|CUDA_VISIBLE|\+cu\d",),
    ),
    # ONNX Runtime for .NET, C and others: the package without CUDA lacks its entry points.
    Signature(
        r"Unable to find an entry point named 'OrtSessionOptionsAppendExecutionProvider_CUDA'|OrtSessionOptionsAppendExecutionProvider_C(?:UDA|uda)\S{0,3} (?:not found|is not|could not|undefined)",
        0.9,
    ),
    Signature(
        r"(?:CUDA|CUDA and/or ROCM) execution provider is either not enabled or not available",
        0.85,
        unless=(r"directml|\bDML\b|openvino",),
    ),
    # conda's switch between its builds; its plan, and the reporter on what it chose.
    Signature(r"py3\.\d+_cpu_\d .{0,30}pytorch", 0.9),
    Signature(r"pytorch-mutex[ =|-]{1,8}1\.0[ =|-]{1,8}cpu\b", 0.92),
    Signature(
        r"(?:install\w*|gets?|got|getting|gives?(?: me| us)?|have|has|using|uses|turn\w* (?:to|into)|ended up with|pull\w*|download\w*|cho(?:o|se)\w*|picks?|brings?|replaced (?:it )?(?:by|with)) (?:\S+ ){0,6}[`'\"]?(?:cpu(?:[- ]only)?[`'\"]? (?:versions?|builds?|variants?|wheels?|packages?)|(?:py)?torch[- ]cpu\b|tensorflow-cpu\b)",
        0.72,
        needs=(
            r"torch|tensorflow|onnxruntime|paddle|llama|whisper|faiss",
            r"cuda|gpu",
            r"\bFalse\b|even (?:though|when|on|if)|instead|\bbut\b|n't\b|\bnot\b|despite|always|every ?time|only to find|\bwhy\b|seems?",
        ),
        unless=(
            r"rocm|radeon|\bAMD GPU",
            r"torch(?:vision|audio)::|mmcv|detectron2|(?:want|need|prefer|would like|trying|how) to (?:install|use|get|build) (?:the |a )?cpu",
        ),
    ),
    # Windows: PyPI's wheel by its file name, and where it replaced one with +cuNNN.
    Signature(
        r"torch-\d\.\d{1,2}\.\d-cp3\d+-cp3\d+-win_amd64",
        0.8,
        needs=(r"False|cuda|gpu",),
        unless=(r"not a supported wheel",),
    ),
    Signature(
        r"from \d\.\d{1,2}\.\d\+cu\d{2,3} (?:to|->|→|=>) \d\.\d{1,2}\.\d(?![\w+.])", 0.75, when="on-windows"
    ),
    # A CUDA build was there, and what came after it has none.
    Signature(
        r"(?:after|upgrad\w*|updat\w*|\bnow\b|replac\w*|->|turned)[^\n]{0,60}\d\+cpu\b|Successfully installed[^\n]{0,200} torch-\d\S{0,12}\+cpu\b",
        0.84,
        needs=(r"\d\+cu\d{2,3}\b",),
        unless=(r"torchvision|torchaudio", r"CUDA driver version is insufficient"),
    ),
    # conda's build string by itself; the answer to a question after several things at once: ('2.2.0', None).
    Signature(r"\bpy3\.?\d{1,2}_cpu_\d", 0.86, needs=(r"torch|jaxlib",)),
    Signature(
        r"torch\.version\.cuda[^\n]{0,60}\n(?:Out\[\d{1,3}\]: ?)?\(?(?:(?:['\"]?\d\.\d[\w.+]{0,20}['\"]?|True|False),? ?){0,2}None\b|"
        r"\(['\"]?\d\.\d[\w.]{0,20}['\"]?, None\)[^\n]{0,60}torch\.version\.cuda",
        0.85,
        unless=(r"\+xpu\b|rocm|\bhip\b|radeon", r"Apple M\d|macOS|Darwin|\bMac(?:Book)?\b"),
    ),
)


#: What a program sees, in the framework's own words.
_HURTS = {
    "torch": "torch.cuda.is_available() is False",
    "tensorflow": "tf.config.list_physical_devices('GPU') is empty",
}

#: TensorFlow has no CUDA build for Windows after this one: that is a cause of its own.
LAST_ON_WINDOWS = "2.10"


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    sure = need_gpu(host, gpu)
    for python, build in installed(frameworks, "torch", "tensorflow"):
        if _windows(host, build):
            continue
        if build.variant != "cpu":
            if not build.variant and not isinstance(build.cuda, (Known, Absent)):
                yield CouldNotTell(
                    f"{build.framework} in {python.path}: its files do not say how it was built",
                    subject=subject(python, build),
                )
            continue
        evidence = [
            Evidence(f"{build.framework}'s version", build.version, build.location),
            seen("CUDA that it was built with", build.cuda),
        ]
        conda = by_conda(python, "pytorch", "libtorch", "tensorflow")
        if conda is not None:
            evidence.append(Evidence("conda build", conda.build, conda.location))
        yield Problem(
            f"{build.framework} {build.version} in {python.prefix or python.path} is a CPU build",
            subject=subject(python, build),
            severity="failure" if sure else "warning",
            evidence=tuple(evidence),
            explanation=f"A CPU build contains no GPU code at all: {_HURTS[build.framework]}, and everything runs on the "
            "CPU, whatever the driver and the GPU are.",
            fix=_fix(python, build, gpu, conda is not None),
        )


def _windows(host: Host, build: Build) -> bool:
    return (
        build.framework == "tensorflow"
        and value_of(host.system, "") == "Windows"
        and is_version(build.version)
        and at_least(build.version, f"{LAST_ON_WINDOWS}.999")
    )


def _fix(python: Interpreter, build: Build, gpu: Gpu, conda: bool) -> Fix:
    if conda:
        name = "pytorch-gpu" if build.framework == "torch" else "tensorflow-gpu"
        return Fix(
            "Install the CUDA build with conda",
            (f"conda install -p {python.prefix} -c conda-forge {name}",),
            "unsafe",
        )
    if build.framework == "tensorflow":
        return Fix(
            "Replace the CPU package by tensorflow with its CUDA libraries",
            (
                f"{python.path} -m pip uninstall -y tensorflow-cpu tensorflow",
                f"{pip(python, build)} 'tensorflow[and-cuda]'",
            ),
            "unsafe",
        )
    commands = torch_reinstall(python, build.version, gpu)
    if commands:
        return Fix("Install the CUDA build of the same release", commands, "unsafe")
    return Fix("Install a CUDA build that this driver runs: see https://pytorch.org/get-started/locally/")
