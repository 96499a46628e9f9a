"""The GPU is older than what the toolkit or the framework was built for

What it is: Each release of CUDA drops the oldest GPUs, and frameworks drop more. All GPU code of this build, or all that this
toolkit can compile for, is for newer GPUs than this one.

Why it hurts: Programs end with "no kernel image is available for execution on the device", builds with "Unsupported gpu
architecture". No update mends it: newer releases only drop more.

How to tell: The GPU's compute capability lies below every target of the build (read from its library, or from the table of toolkits) and
below its PTX. A GPU that is newer than the build is another cause, with the opposite fix.

How to fix: Install a build that still has this GPU: torch 2.7 and later for CUDA 12.6 (cu126) holds Maxwell, Pascal and Volta; for compiling,
a toolkit of CUDA 12.

Sources: https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/index.html
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
https://github.com/Comfy-Org/ComfyUI/issues/16438
https://github.com/pytorch/pytorch/blob/main/RELEASE.md
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Toolkit
from gpudoctor.facts.frameworks import Build, Cubin, Frameworks, Interpreter, Ptx, Targets
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import (
    CannotLook,
    CouldNotTell,
    DoesNotApply,
    Evidence,
    Fix,
    Problem,
    Subject,
    package,
)
from gpudoctor.rules.device._older import capability_of, digits, names, nothing_for, older_build, oldest
from gpudoctor.rules.extensions import BUILDING, LAUNCHERS, PACKAGES
from gpudoctor.rules.judging import Device, builds, devices, untold
from gpudoctor.rules.targets import serves
from gpudoctor.signature import Signature
from gpudoctor.versions import capability

#: What is published for a list of GPUs; everything else is an extension, compiled for the GPU at hand.
FRAMEWORKS = frozenset({"torch", "tensorflow", "jax", "onnxruntime"})
#: Extensions whose kernels exist for newer GPUs only, however they are compiled.
OLDEST = {"flash-attn": "8.0"}


signatures: tuple[Signature | str, ...] = (
    # torch/cuda/__init__.py, 1.x: old_gpu_warn; 2.9 and later name the wheels that still do.
    Signature(r"PyTorch no longer supports this GPU because it is too old", 0.97),
    Signature(
        r"capability sm_(?P<sm>\d{2,3}) is not compatible with the current PyTorch installation",
        0.93,
        when="gpu-older-than-build",
    ),
    Signature(
        r"which is of (?:cuda|compute) capability (?P<sm>\d+\.\d)\.? (?:Minimum and Maximum|The minimum|PyTorch no longer)",
        0.75,
        when="gpu-older-than-build",
    ),
    Signature(
        r"The minimum cuda capability (?:supported by|that we support)", 0.7, unless=(r"Minimum and Maximum",)
    ),
    # FlashAttention, bitsandbytes, vLLM, TensorRT, JAX, TensorFlow.
    Signature(r"FlashAttention only supports Ampere GPUs or newer", 0.95),
    Signature(
        r"(?:FlashAttention|flash[-_ ]attn|FlashInfer|Marlin|FP8|AWQ|GPTQ).{0,120}(?:only supports?|requires?|needs?).{0,40}(?:compute capability|SM ?|Ampere|Hopper|Ada|Turing)",
        0.75,
    ),
    Signature(
        r"(?:requires|needs|minimum|at least).{0,40}compute capability (?:>= ?|of )?(?:at least )?\d+\.\d.{0,80}(?:your|but|has|got|found|has compute)",
        0.75,
    ),
    Signature(r"Bfloat16 is only supported on GPUs with compute capability of at least 8\.0", 0.95),
    Signature(
        r"Ignoring visible gpu device .{0,160}with Cuda compute capability (?P<sm>\d+\.\d)\. The minimum required Cuda capability is",
        0.95,
    ),
    Signature(r"Ignoring (?:visible )?gpu device.{0,200}minimum required Cuda capability", 0.9),
    Signature(r"with cuda compute capability \d\.\d\. The minimum required", 0.8),
    Signature(
        r"Device capability too low|GPU is too old|compute capability .{0,20}(?:is )?(?:too low|no longer supported)",
        0.8,
        needs=(r"capability|GPU|gpu",),
    ),
    Signature(
        r"no kernel image is available for execution on the device",
        0.7,
        needs=(
            r"GTX (?:9|10|7|6)\d\d|Tesla (?:P|K|M|V)\d+|sm_(?:35|37|50|52|60|61|70)|Quadro [PKM]\d|TITAN (?:X|Xp|V)|MX\d{3}|capability (?:3|5|6|7)\.[0-3]",
        ),
        unless=(
            r"sm_(?:86|89|90|120)\b is not|RTX [2-5]0\d\d|H100|A100|\bT4\b|\bL40?S?\b|\bA[1-4]0G?\b",
            PACKAGES,
            BUILDING,
            LAUNCHERS,
        ),
    ),
    Signature(
        r"SM (?:35|37|50|52|53|60|61|70) .{0,40}(?:not supported|deprecated|dropped)|(?:Pascal|Maxwell|Volta|Kepler) .{0,80}(?:not supported|dropped|no longer)",
        0.6,
        needs=(r"support|dropped|deprecated",),
    ),
    # nvcc of a toolkit that dropped the architecture.
    Signature(
        r"Unsupported gpu architecture 'compute_(?P<sm>\d{2,3})[af]?'", 0.93, when="arch-too-old-for-toolkit"
    ),
    Signature(
        r"Value 'sm_(?P<sm>\d{2,3})' is not defined for option 'gpu-architecture'",
        0.85,
        when="arch-too-old-for-toolkit",
    ),
    Signature(r"Triton only supports devices of CUDA Capability >= \d\.\d, but your device is of", 0.95),
    Signature(r"is too old to be supported by the triton GPU compiler", 0.95),
    Signature(
        r"Target GPU SM (?P<sm>\d{2,3}) is not supported by this TensorRT release",
        0.93,
        when="gpu-older-than-build",
    ),
    # The text names a GPU before Turing, whose kernels builds leave out one after the other.
    Signature(
        r"no kernel image is available for execution on the device",
        0.79,
        when="old-gpu-shown",
        unless=(
            r"sm_(?:86|89|90|120)\b is not|RTX [2-5]0\d\d|H100|A100|\bT4\b|\bL40?S?\b|\bA[1-4]0G?\b",
            PACKAGES,
            BUILDING,
            LAUNCHERS,
        ),
    ),
    # Cut short in a title.
    Signature(
        r"no kernel image (?:is )?available",
        0.76,
        when="old-gpu-shown",
        unless=(r"for execution on the device", PACKAGES, BUILDING, LAUNCHERS),
    ),
    Signature(r"your GPU has capability \(\d+, \d\) \(too old\)", 0.85),
    Signature(r"CU(?:BLAS|DNN)_STATUS_ARCH_MISMATCH", 0.85),
    Signature(r"nvrtc: error: invalid value for --gpu-architecture", 0.9, when="old-gpu-shown"),
    Signature(r"invalid device function", 0.7, when="old-gpu-shown", needs=(r"cuda",)),
    # vLLM's quantisations, torch._scaled_mm, Triton's types, transformers' bf16, SGLang, RAPIDS, hashcat.
    Signature(r"not supported for the current GPU\. Minimum capability: \d+", 0.95),
    Signature(r"only supported on (?:CUDA )?devices with compute capability >= ?\d", 0.93),
    Signature(r"type fp8e4nv not supported in this architecture", 0.9),
    Signature(r"Feature '.{1,80}' requires \.target sm_\d+ or higher", 0.88),
    Signature(
        r"(?:setup|GPU|device|hardware) (?:doesn't|does not|do not) support (?:bf16|bfloat16|fp8|fp16)\b",
        0.8,
        unless=(r"\bcpu only\b",),
    ),
    Signature(r"SGLang only supports sm\d+ and above", 0.93),
    Signature(
        r"(?:Volta|Pascal|Turing|Ampere|Maxwell|Ada|Hopper)\W{0,4}\S{0,12} .{0,40}(?:or (?:newer|later|above|higher)|GPUs? or newer).{0,40}(?:is )?required",
        0.85,
    ),
    Signature(
        r"outdated CUDA compute capability|ggml was not compiled with any CUDA arch <= ",
        0.87,
        when="old-gpu-shown",
    ),
    Signature(r"outdated CUDA compute capability \(", 0.9),
    Signature(
        r"(?:requires?|needs?|only (?:supports?|works? (?:on|with))) .{0,40}(?:SM ?|sm_|compute capability (?:>= ?|of )?)\d\.?\d\+? ?(?:or|and) (?:newer|later|above|higher|up)",
        0.8,
    ),
    # PaddlePaddle; TensorRT's core, which writes the capability in hexadecimal.
    Signature(
        r"architecture in your current machine is (?:Kepler|Maxwell|Pascal|Volta), which is not compatible with Paddle installation",
        0.95,
    ),
    Signature(r"Unsupported SM: 0x(?:3|5|6|70)\d{1,2}\b", 0.93),
    # Triton's tl.float8e4nv; PyTorch's memory-efficient attention below its kernels; CUDA 13's release notes, in prose.
    Signature(r"data type is not supported on CUDA arch < \d+", 0.93),
    Signature(r"cutlassF: no kernel found to launch", 0.7),
    Signature(
        r"(?:offline compilation|code generation|support) .{0,60}(?:sm_|compute_|compute capability )(?:3|5|6|70)\S{0,4} .{0,30}(?:removed|dropped|deprecated)|(?:dropped|removed|no longer (?:has|have)?) ?support for (?:Kepler|Maxwell|Pascal|Volta)",
        0.8,
    ),
    Signature(
        r"(?:cuda|compute) capability (?P<sm>\d+\.\d)\b.{0,40}\s{0,3}.{0,10}Minimum and Maximum cuda capability",
        0.75,
        when="gpu-older-than-build",
    ),
    Signature(r"Your GPU does not support Int8 Matmul", 0.88),
    Signature(r"which is of (?:cuda|compute) capability (?P<sm>\d+\.\d)\b", 0.6, when="gpu-older-than-build"),
    Signature(
        r"\bcompute(?: capability)?(?:[ :=]{1,3}| level | of )[2-7]\.\d.{0,20}(?:too old|unsupported|not supported|skipping)|CUDA GPU is too old",
        0.85,
    ),
    Signature(r"requires? (?:at least )?\d\.\d\+? (?:compute )?capability", 0.75, when="old-gpu-shown"),
    Signature(
        r"(?:\b[KMP][248]0\w?\b|[PV]100|GTX ?\d{3,4}|Quadro [KMP]\d+|Kepler|Maxwell|Pascal|Volta).{0,60}(?:(?:not|no longer|isn't|aren't|un)[ -]?(?:being )?support|不支持|不再支持|无法支持)",
        0.75,
        when="old-gpu-shown",
        unless=(r"RTX ?[345]0\d\d|H100|A100|Could not load|cannot open shared",),
    ),
    Signature(
        r"(?:(?:not|no longer|isn't|aren't|un)[ -]?(?:being )?support\w*|不支持|不再支持|无法支持|能不能支持).{0,60}(?:\b[KMP][248]0\w?\b|[PV]100|GTX ?\d{3,4}|Quadro [KMP]\d+|Kepler|Maxwell|Pascal|Volta)",
        0.75,
        when="old-gpu-shown",
        unless=(r"RTX ?[345]0\d\d|H100|A100|Could not load|cannot open shared",),
    ),
    Signature(r"compute capability \d\.\d (?:is |are )?(?:not|no longer) supported", 0.8),
    # In prose: what is dropped, and what an old GPU lacks.
    Signature(
        r"\b(?:drop\w*|remov\w*|discontinu\w*|no longer (?:includes?|ships?|contains?|supports?))(?: \w+){0,3} (?:Kepler|Maxwell|Pascal|Volta|GTX ?(?:[6-9]|10)\d\d|sm_(?:3|5|6)\d|sm_70|compute_(?:3|5|6)\d)\b",
        0.82,
        needs=(r"fail|no kernel|crash|(?:doesn't|does not|not|stopped) work|broke|can't|\bcu1[23]\d\b|\?",),
        unless=(r"RTX ?[345]0\d\d|sm_1[02]0 is not",),
    ),
    Signature(
        r"flash[-_ ]?att(?:n|ention)\S{0,4} .{0,60}(?:not (?:currently |yet )?support\w*|unsupported|doesn't (?:work|support)|does not (?:work|support)) .{0,60}(?:P100|V100|T4\b|Pascal|Volta|Turing|20[678]0|compute capability <)",
        0.85,
    ),
    Signature(
        r"(?:P100|V100|\bT4\b|Pascal|Volta|Turing|20[678]0).{0,80}(?:does|do|did)(?: not|n't) support (?:flash|bf16|bfloat16|fp8)",
        0.85,
    ),
    Signature(
        r"Mismatched GPU Architecture: .{0,120}but your current GPU is (?P<sm>\d{2,3})\b",
        0.93,
        when="gpu-older-than-build",
    ),
    # xformers' cutlass; miners and ggml's hosts: a kernel that asks for more. Numbers in prose: what it has, what is wanted.
    Signature(r"(?:device|GPU|card) is too old\b.{0,40}(?:compute capability|require|need)", 0.93),
    Signature(r"kernel requires (?P<sm>\d\.\d) capability", 0.88),
    Signature(
        r"compute capability (?:of |is |=|: ?)?(?P<has>\d{1,2}\.\d)\b[^\n]{0,80}?(?:below|less than|lower than|<|under|needs?|requires?|required|minimum|at least|not supported|unsupported)[^\n]{0,40}?(?P<wants>\d{1,2}\.\d)\b|"
        r"(?:needs?|requires?|required|minimum|at least|>=)[^\n]{0,40}?compute capability (?:>=? ?|of |is )?(?:at least )?(?P<wanted>\d{1,2}\.\d)\b[^\n]{0,80}?(?:has|have|is|got|only|actual|found|but|mine)[^\n]{0,30}?(?P<mine>\d{1,2}\.\d)\b",
        0.84,
        when="capability-below-wanted",
    ),
    Signature(
        r"(?:do(?:es)? not|don't|doesn't|not|no longer|never|n't|stopped|dropp\w+|remov\w+|without|ended?|end of) (?:\w+ )?(?:support\w*|works? (?:on|with)) ?(?:for |of |on |with )?(?:the |my |older |old )?(?:NVIDIA )?(?:Kepler|Maxwell|Pascal|Volta|Fermi|Turing|(?:GeForce )?GTX ?(?:[4-9]|10)\d\d|Tesla [KMPV]\d+|[KMP][48]0\b|P100|V100|sm_?(?:[2356]\d|70)\b)",
        0.8,
        needs=(r"GPUs?|cuda|cu1\d\d|card|GTX|Tesla",),
        unless=(r"RTX 50|Blackwell|sm_1[02]0",),
    ),
    Signature(
        r"(?:(?:GeForce )?GTX ?(?:[4-9]|10)\d\d(?: ?Ti)?|Tesla [KMPV]\d+\w?|\bK80\b|\bP40\b|\bP100\b|\bM40\b|\bM60\b|\bV100\b|Quadro [KMP]\d+|Kepler|Maxwell|Pascal|Volta)\b[^\n]{0,60}(?:not supported|no longer supported|unsupported|isn't supported|is not supported|won't be supported|不支持|不再支持)(?: any ?more)?",
        0.8,
        needs=(r"cuda|cu1\d\d|torch|tensorrt|vllm|driver|compute|capability|kernel|wheel|version|release",),
        unless=(
            r"RTX 50|Blackwell|sm_1[02]0",
            r"driver (?:branch|series|\d{3}) .{0,30}(?:dropped|no longer)|legacy driver",
        ),
    ),
    # No kernel in the build for a card that people name by its number alone.
    Signature(
        r"(?:no kernel image|kernel image is invalid)",
        0.83,
        needs=(
            r"\b(?:on|with|for|my|an?|using|GPU:?|card:?|GTX|Nvidia) (?:the |an? |my |NVIDIA |GeForce |GTX ?)*(?:10[5-8]0|9[5-8]0|7[5-8]0|K80|K40|M40|M60|P40|P100)(?: ?Ti)?\b",
        ),
        unless=(r"sm_(?:86|89|90|120)\b is not", r"RTX ?50[5-9]0"),
    ),
    Signature(
        r"(?:only|just) (?:supports?|works? (?:on|with)|runs? on|compiled for|built for) (?:NVIDIA )?(?:Volta|Turing|Ampere|Ada|Hopper)\b|(?:compiled|built|works?) (?:only )?(?:for|on|with) (?:Volta|Turing|Ampere|Ada|Hopper) (?:cards|GPUs)? ?(?:and|or) (?:later|newer|above|up)|If you use (?:Volta|Turing|Ampere) or (?:up|newer|later)",
        0.78,
        needs=(
            r"error|fail\w*|not |n't|unsupported|expected",
            r"GTX|Tesla|Quadro|Pascal|Maxwell|Kepler|Volta|V100|P100|K80",
        ),
    ),
    Signature(
        r"compute capability (?P<sm>\d\.\d) (?:is |are )?(?:not|no longer) supported",
        0.85,
        when="gpu-older-than-build",
    ),
    Signature(
        r"(?:GPU|card|device|mine|it) (?:\w+ ){0,2}(?:does not|doesn't|don't|only|cannot|can't) supports? (?:\w+ ){0,4}(?:compute capabilit\w*|sm_?\d\d|\d\.\d\b|\d\d\))|(?:only )?supports? (?:\w+ ){0,3}(?:compute capability )?(?:sm_?)?(?:3[05]|5[0-3]|6[0-2]|70)\b",
        0.76,
        when="old-gpu-shown",
        needs=(r"compute capabilit|sm_?\d\d|capability",),
    ),
    # The warning's heart, as people and other programs quote it.
    Signature(
        r"\bsm_?(?P<sm>\d{2,3})\b['\"`]? ?(?:is |are |was )?(?:not compatible|incompatible|not supported|unsupported|no longer supported|不兼容|不支持|不被支持|不再支持|不在支持)",
        0.85,
        when="gpu-older-than-build",
    ),
)


def check(gpu: Gpu, cuda: Cuda, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    all_gpus = devices(gpu)
    if not all_gpus:
        raise CannotLook("no driver library describes the GPUs")
    known = [one for one in all_gpus if isinstance(one.compute_capability, Known)]
    for one in all_gpus:
        if isinstance(one.compute_capability, Unknown):
            yield untold(one, "compute capability", one.compute_capability)
    for field, what in ((frameworks.interpreters, "Pythons"), (cuda.toolkits, "CUDA toolkits")):
        if isinstance(field, Unknown):
            yield CouldNotTell(f"{what}: {field.reason}", field.would_help)
    installed, selected = builds(value_of(frameworks.interpreters, ())), _selected(cuda)
    if not installed and not selected:
        raise DoesNotApply("neither a framework nor a selected toolkit is here")
    for interpreter, build in installed:
        yield from _build(interpreter, build, known)
    for toolkit in selected:
        yield from _toolkit(toolkit, known)


def _build(interpreter: Interpreter, build: Build, gpus: list[Device]) -> Iterator[Problem | CouldNotTell]:
    about = package(interpreter.path, build.framework)
    if build.framework not in FRAMEWORKS:
        # An extension can be compiled again for any GPU (extension-lacks-gpu-arch), but for what it has no kernels.
        gpus = [one for one in gpus if _never(build.framework, capability_of(one))]
        if not gpus:
            return
    if isinstance(build.targets, Unknown):
        reason = f"{build.framework} {build.version}: its GPU code: {build.targets.reason}"
        yield CouldNotTell(reason, build.targets.would_help, about)
    if not isinstance(build.targets, Known):
        return
    targets = build.targets.value
    old = [one for one in gpus if nothing_for(targets, capability_of(one))]
    if not old:
        return
    yield Problem(
        f"{names(old)} is older than {build.framework} {build.version} was built for ({oldest(targets)} and newer)",
        about,
        "failure" if len(old) == len(gpus) else "warning",
        (
            *(
                Evidence(f"compute capability of {one.subject.label}", capability_of(one), "NVML")
                for one in old
            ),
            Evidence(
                "GPU code",
                serves(targets, capability_of(old[0]), None).detail,
                targets.library or targets.via,
            ),
        ),
        fix=older_build(interpreter, build, capability_of(old[0])),
    )


def _never(extension: str, gpu: str) -> bool:
    return extension in OLDEST and capability(gpu) < capability(OLDEST[extension])


def _toolkit(toolkit: Toolkit, gpus: list[Device]) -> Iterator[Problem | CouldNotTell]:
    from gpudoctor import knowledge

    about = Subject("toolkit", toolkit.real_prefix, f"CUDA toolkit at {toolkit.prefix}")
    release = value_of(toolkit.release, "")
    row = knowledge.toolkit_targets(release) if release else None
    if row is None:
        yield CouldNotTell(
            f"what the toolkit {release or '?'} at {toolkit.prefix} compiles for is not known", "", about
        )
        return
    cubins = tuple(Cubin(text.rstrip("af")) for text in row.sm)
    targets = Targets(cubins, tuple(Ptx(text.rstrip("af")) for text in row.ptx), "table")
    old = [one for one in gpus if nothing_for(targets, capability_of(one))]
    if old:
        yield Problem(
            f"{names(old)} is older than CUDA {release} compiles for ({oldest(targets)} and newer)",
            about,
            "warning",
            (
                *(
                    Evidence(f"compute capability of {one.subject.label}", capability_of(one), "NVML")
                    for one in old
                ),
                Evidence(f"oldest target of CUDA {release}", oldest(targets), row.source),
            ),
            fix=Fix(f"Compile with an older toolkit that still knows sm_{digits(capability_of(old[0]))}"),
        )


def _selected(cuda: Cuda) -> list[Toolkit]:
    """The toolkits that a selector really picks; the others do no harm."""
    picked = {value_of(choice.prefix, "") for choice in value_of(cuda.selections, ())}
    chosen = [one for one in value_of(cuda.toolkits, ()) if one.real_prefix in picked or one.prefix in picked]
    return list({one.real_prefix: one for one in chosen}.values())
