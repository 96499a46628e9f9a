"""The framework is built for another vendor's accelerator

What it is: PyTorch, TensorFlow, JAX and ONNX Runtime are also published for AMD's ROCm and Intel's XPU. Such a build is
installed here, and the GPU is NVIDIA's.

Why it hurts: A ROCm or XPU build can't use CUDA at all: the GPU is not seen, or the import fails because ROCm's
libraries are missing.

How to tell: The version's local part (+rocm6.2, +xpu), or version.py naming HIP, with an NVIDIA GPU on the bus and none
of the other vendor.

How to fix: Install the CUDA build from PyTorch's own index.

Sources: https://pytorch.org/get-started/locally/
https://docs.pytorch.org/docs/stable/notes/hip.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.pythons import installed, need_gpu, subject, torch_reinstall
from gpudoctor.signature import Signature

#: PCI vendor of the accelerator that each kind of build is for.
VENDORS = {"rocm": 0x1002, "xpu": 0x8086}
NAMES = {"rocm": "AMD's ROCm", "xpu": "Intel's XPU"}

explains = (
    "smoke-ran-on-cpu",
    "import-fails",
    "import-differs-from-files",
    "container-no-gpu-flag",
    "driver-not-installed",
    "no-nvidia-gpu",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"\b(?:to|installs?|got|get|gets|into) (?:the )?CUDA (?:\w+ ){0,2}(?:instead of|rather than) (?:the )?(?:ROCm|AMD|HIP)\b",
        0.9,
    ),
    # A build for CUDA where the machine has another maker's GPU only, and its user speaks of that one's software.
    Signature(
        r"torch['\"]?\W{1,6}\d[\d.]*\+cu\d{2,3}",
        0.78,
        when="other-vendor-shown",
        needs=(r"rocm|\bhip\b|directml|\bxpu\b|ipex", r"cpu|False|not |n't|no |slow|error"),
    ),
    Signature(
        r"(?<!\w)\+rocm\d[\d.]*",
        0.7,
        needs=(
            r"torch",
            r"NVIDIA|GTX|RTX|Tesla",
            r"not able|\bFalse\b|\berror\b|fail\w*|not (?:work|found|see|detect)\w*|n't",
        ),
    ),
    Signature(r"\d\+rocm\d[\d.]*", 0.7, needs=(r"NVIDIA|CUDA|cuda|\+cu\d{2,3}|GTX|RTX|Tesla",)),
    Signature(r"ROCM used to build PyTorch: \d", 0.7, needs=(r"NVIDIA|nvcc|CUDA_HOME|GeForce|RTX",)),
    Signature(
        r"libamdhip64\.so\S*: cannot open|librocblas\S*: cannot open|libhip\w*\.so\S*: cannot open",
        0.85,
        needs=(r"cannot open",),
    ),
    Signature(r"(?:hipErrorNoBinaryForGpu|No HIP GPUs are available|hipErrorNoDevice|HIP error:)", 0.75),
    Signature(
        r"No ROCm runtime is found, using ROCM_HOME",
        0.6,
        unless=(r"nvcc|geforce|\bRTX\b|\bGTX\b|CUDA (?:machine|box|toolkit)|finish\w*|\bworks\b|succe\w+",),
    ),
    Signature(r"\d\+xpu\b", 0.75, needs=(r"NVIDIA|cuda|CUDA",)),
    Signature(r"torch_directml|intel_extension_for_pytorch", 0.5, needs=(r"NVIDIA|cuda|CUDA",)),
    # Loaders that look for another vendor's run time.
    Signature(
        r"lib(?:hsa-runtime64|roctx64|MIOpen|rccl|rocm_smi64|rocsparse|rocsolver|rocfft|rocrand|roctracer64)\.so\S*: cannot open shared object file",
        0.87,
    ),
    Signature(
        r"lib(?:sycl|ze_loader|pi_level_zero|mkl_sycl\w*|intel-ext-pt-gpu)\.so\S*: cannot open shared object file",
        0.8,
    ),
    Signature(r"lib(?:ascendcl|hccl|ascend_hal)\.so\S*: cannot open shared object file", 0.85),
    Signature(r"amdgpu\.ids: No such file or directory", 0.7, needs=(r"nvidia|cuda|geforce|rtx",)),
    Signature(r"/opt/rocm/bin/hipcc", 0.6, needs=(r"nvidia|nvcc|geforce|rtx",)),
    # A build of torch for CUDA where ROCm's was meant.
    Signature(
        r"torch\.version\.hip\W{1,8}None",
        0.8,
        needs=(r"rocm(?! used to build)|radeon|\bAMD\b(?! (?:EPYC|Ryzen|Athlon|CPU))",),
        unless=(r"is_available\(\)\W{1,6}True",),
    ),
    Signature(
        r"whl/(?:nightly/|test/)?rocm\d",
        0.6,
        needs=(r"nvidia|geforce|\brtx\b|tesla",),
        unless=(r"radeon|\bamd\b|gfx\d",),
    ),
    # NVIDIA's build under ROCm: an image or a machine for AMD's GPUs where torch says +cuNNN.
    Signature(
        r"\d\+cu\d{2,3}\b|nvidia-(?:cublas|cudnn|cuda-runtime)-cu\d\d",
        0.88,
        needs=(
            # Every collect_env holds the line "ROCM used to build PyTorch: N/A".
            r"rocm(?! used to build)|\bgfx\d{3,4}|hipcc|\bMI ?[123]\d0X?\b",
            r"\bFalse\b|\berror\b|fail|not (?:found|detected|available|work)|no (?:nvidia|cuda|gpu)",
        ),
        unless=(r"GeForce|\bRTX\b|Tesla|Quadro|NVIDIA (?:A|H|L)\d+|NVIDIA-SMI|\+rocm",),
    ),
    Signature(
        r"Torch not compiled with CUDA enabled",
        0.85,
        needs=(r"Intel Arc|\bArc [AB]\d{3}\b|intel[-_]extension[-_]for[-_]pytorch",),
        unless=(r"GeForce|\bRTX\b|\bGTX\b",),
    ),
    # The reporter's words: ROCm was asked for, CUDA's packages came.
    Signature(
        r"(?:install|download|pull|fetch|get)(?:s|es|ed|ing|er)?\b.{0,40}(?:nvidia|cuda)\b",
        0.82,
        needs=(
            r"rocm(?! used to build)",
            r"radeon|\bAMD\b(?! (?:EPYC|Ryzen|Athlon|CPU))|\bRX ?\d{4}\b",
            r"even (?:though|when|if|with)|instead|always|although|despite|regardless|but (?:it|the)|still",
        ),
        unless=(r"GeForce|\bRTX\b|\bGTX\b|Tesla|Quadro|NVIDIA-SMI|\+rocm|HIP error|No HIP GPUs",),
    ),
    # A build for NVIDIA, or for the processor, where another vendor's was meant.
    Signature(r"Torch not compiled with XPU enabled|PyTorch (?:is |was )?not compiled with XPU", 0.88),
    Signature(
        r"not linked with support for mps devices|current PyTorch install was not built with MPS enabled", 0.8
    ),
    Signature(
        r"Torch not compiled with CUDA enabled",
        0.95,
        needs=(
            r"\brocm\b(?! used to build)|\bgfx ?\d{3,4}|\bHIP\b|\bzluda\b|directml|strix halo|\b80[56]0S\b|\bMI ?[123]\d0X?\b",
        ),
        unless=(r"GeForce|\bRTX\b|\bGTX\b|Tesla|Quadro|nvidia-smi", r"\d\+cpu\b"),
    ),
    # ONNX Runtime's packages for DirectML, ROCm, OpenVINO and Apple list what they hold; CUDA's provider is not among it.
    Signature(
        r"available[_ ](?:execution )?provider(?:s| names)?\W{0,4}(?:Available providers\W{1,4})?(?:are|is|returns|:|=|\()?(?![^\n]{0,200}CUDAExecutionProvider)[^\n]{0,60}(?:Dml|ROCM|MIGraphX|OpenVINO|CoreML)ExecutionProvider",
        0.92,
        needs=(r"CUDAExecutionProvider|cuda|nvidia|geforce|\brtx\b",),
    ),
    Signature(
        r"onnxruntime[-_](?:directml|openvino|rocm|migraphx|silicon)",
        0.72,
        needs=(r"CUDAExecutionProvider|cuda", r"nvidia|geforce|\brtx\b|\bgtx\b|CUDAExecutionProvider"),
        unless=(r"radeon|\bamd\b|\barc\b",),
    ),
    # Packages that only another vendor's build brings, beside an NVIDIA GPU.
    Signature(
        r"(?:pytorch[-_])?triton[-_](?:rocm|xpu)|lib(?:torch|c10)_(?:hip|xpu)\.so|(?:torch|c10)_(?:hip|xpu)\.dll|"
        r"jax[-_]rocm\d\d|jaxlib\S{0,20}\+rocm|cupy-rocm-\d|tensorflow[-_](?:rocm|directml)|paddlepaddle[-_](?:rocm|dcu|xpu|npu)",
        0.8,
        needs=(r"nvidia-smi|geforce|\b[rg]tx ?\d|tesla|quadro|\bA100\b|\bH100\b|nvidia (?:gpu|card)",),
        unless=(r"radeon|\bgfx\d{3,4}|\bAMD (?:GPU|card|graphics)",),
    ),
    Signature(
        r"(?:rocm/(?:pytorch|tensorflow|vllm|jax|dev)\S{0,40}|(?:ollama|llama\.cpp|vllm|comfyui|text-generation-inference|localai)\S{0,30}[:-]\S{0,24}rocm\S{0,12})",
        0.78,
        needs=(
            r"docker|podman|image|container",
            r"geforce|\b[rg]tx ?\d|tesla|quadro|\bA100\b|\bH100\b|nvidia[- ](?:gpu|card|smi|driver)|--gpus",
        ),
        unless=(r"radeon|\bgfx\d{3,4}|\bAMD (?:GPU|card|graphics)|\bRX ?\d{4}\b",),
    ),
    # llama.cpp built with HIP, PyTorch's loader on a build with HIP.
    Signature(r"failed to initialize ROCm: no ROCm-capable device", 0.78),
    Signature(
        r"hipGetDeviceCount|HIP initialization:|hipErrorInvalidDevice",
        0.72,
        needs=(r"nvidia|geforce|\b[rg]tx\b|tesla",),
        unless=(r"radeon|\bgfx\d{3,4}|\bAMD (?:GPU|card|graphics)|instinct",),
    ),
    Signature(
        r"(?:CUDA|CUDA and/or ROCM) execution provider is either not enabled or not available",
        0.85,
        needs=(r"directml|\bDML\b|openvino",),
    ),
    Signature(r"lib(?:torch|c10)_(?:hip|xpu)\.so\S{0,8}:? cannot open|(?:torch|c10)_(?:hip|xpu)\.dll", 0.85),
    Signature(
        r"torch\.version\.hip\W{1,8}\d",
        0.9,
        needs=(r"nvidia-smi|geforce|\b[rg]tx ?\d|tesla|quadro",),
        unless=(r"radeon|\bgfx\d{3,4}|instinct",),
    ),
    # Microsoft's DirectML, and the device that it is.
    Signature(
        r"torch[-_]directml|privateuseone|--directml\b|tensorflow-directml",
        0.84,
        needs=(r"geforce|\b[rg]tx ?\d|tesla|quadro|nvidia",),
        unless=(r"radeon|\bAMD\b(?! (?:EPYC|Ryzen))|\bRX ?\d{3,4}\b|\barc\b|\biris\b",),
    ),
    # The reporter names the build.
    Signature(
        r"(?:rocm|AMD|XPU|directml) ?版(?:本)?的?|安装的是 ?(?:rocm|AMD|XPU|directml)",
        0.82,
        needs=(r"geforce|[rg]tx ?\d|tesla|quadro|nvidia|N卡|英伟达",),
        unless=(r"radeon|A卡|\bRX ?\d{4}",),
    ),
    Signature(
        r"(?:rocm|AMD) (?:version|build|wheel|variant)s? of (?:the )?(?:py)?torch",
        0.88,
        needs=(
            r"(?:discrete|dedicated|dgpu|also|\band) (?:an? )?(?:\w+ )?nvidia|nvidia (?:one|dgpu|discrete)",
        ),
    ),
    Signature(
        r"(?:install\w*|have|using|got|is|has|ships?|with) (?:\S+ ){0,4}(?:torch|pytorch|build|version|wheel) for CUDA|CUDA (?:build|version|wheel|torch)s? (?:of (?:py)?torch )?(?:rather than|instead of|not|and not) (?:an? |the )?rocm",
        0.88,
        needs=(r"rocm(?! used to build)", r"\bAMD\b|radeon|\bgfx\d{3,4}|\bRX ?\d{4}\b"),
        unless=(r"GeForce|\bRTX\b|\bGTX\b|Tesla|Quadro|NVIDIA-SMI",),
    ),
    Signature(
        r"(?:rocm|\bAMD\b|\bxpu\b|Intel|IPEX|directml|\bhip\b|Mac(?:OS)?)(?:'s)? (?:version|build|wheel|variant|edition)s? (?:of |for )?(?:the )?(?:py)?(?:torch|tensorflow|onnxruntime|jax|llama|ollama|vllm|it\b|was|is|got|gets|instead)",
        0.78,
        needs=(
            r"geforce|\b[rg]tx ?\d|tesla|quadro|\bA100\b|\bH100\b|nvidia[- ](?:gpu|card|smi|driver)|nvidia",
            r"install|pull|download|build|image|wheel|pip|got",
        ),
        unless=(
            r"radeon|\bgfx\d{3,4}|\bAMD (?:GPU|card|graphics)|\bRX ?\d{4}\b|Intel (?:Arc|GPU)|\bMac(?:Book)?\b",
        ),
    ),
    # PyTorch's own word, and distributions' packages, where the text names a GPU of NVIDIA's and none of another vendor.
    Signature(
        r"torch\.version\.hip\b(?: (?:is|says|shows|prints|gives|returns))?\W{1,8}\d\.\d",
        0.94,
        when="nvidia-alone-shown",
    ),
    Signature(
        r"\b(?:ollama|(?:python-)?(?:py)?torch(?:vision)?|(?:python-)?tensorflow|llama[._-]?cpp|koboldcpp|whisper\S{0,12}|onnxruntime|comfyui|vllm|localai|jax\w{0,3}|blender|lemonade)[-_]?(?:bin-|opt-|with)?(?:rocm|hip)\b",
        0.86,
        when="nvidia-alone-shown",
        needs=(r"\bcpu\b|False|\bno (?:\w+ )?(?:gpu|cuda)|nothing|fail|error|n't\b|\bnot\b|slow",),
    ),
    Signature(
        r"HIP Runtime:? \d|HIP_VERSION ?[=:] ?\d|USE_ROCM=(?:1|ON)",
        0.86,
        needs=(r"geforce|\b[rg]tx ?\d|tesla|quadro|\bA100\b|\bH100\b|nvidia (?:gpu|card)|nvidia-smi",),
        unless=(r"\bgfx\d{3,4}|\bmy (?:radeon|AMD)|instinct",),
    ),
    Signature(r"\d\+xpu\b", 0.85, when="nvidia-alone-shown"),
    # Its extensions' builds ask for NVIDIA's compiler: PyTorch's set-up code does so only where a CUDA build is meant.
    Signature(
        r"\d\+rocm\d[\d.]*",
        0.95,
        needs=(r"nvcc (?:was )?not found|nvcc: (?:command )?not found|CUDA_HOME|no such file.{0,40}nvcc",),
        unless=(r"radeon|\bgfx\d{3,4}|\bAMD\b|instinct|hipcc|ROCM_HOME|\bMI ?[123]\d0X?\b|\bRX ?\d{4}",),
    ),
    # Builds for both vendors in one environment.
    Signature(r"\d\+rocm\d[\d.]*", 0.88, needs=(r"\+cu\d{2,3}\b",)),
)


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem]:
    found = installed(frameworks, "torch", "tensorflow", "jax", "onnxruntime")
    if not need_gpu(host, gpu):
        raise DoesNotApply("no NVIDIA GPU was seen")
    for python, build in found:
        kind = next((k for k in VENDORS if build.variant.startswith(k)), "")
        if not kind or _has(gpu, VENDORS[kind], kind):
            continue
        commands = torch_reinstall(python, build.version, gpu) if build.framework == "torch" else ()
        yield Problem(
            f"{build.framework} {build.version} is built for {NAMES[kind]}, the GPU is NVIDIA's",
            subject=subject(python, build),
            evidence=(
                Evidence("build", build.variant, build.location),
                Evidence("version", build.version, build.location),
            ),
            fix=Fix("Install the CUDA build", commands, "unsafe" if commands else "manual"),
        )


def _has(gpu: Gpu, vendor: int, kind: str) -> bool:
    """Another vendor's GPU is there too: then its build may be wanted. Every Intel processor has a small GPU, so for
    XPU only a discrete one counts (it does not sit on the root bus)."""
    return any(
        d.vendor == vendor and d.is_display and (kind != "xpu" or not d.address.startswith("0000:00:"))
        for d in value_of(gpu.pci, ())
    )
