"""torchvision or torchaudio does not belong to the PyTorch beside it

What it is: Each release of torchvision and torchaudio is compiled for one PyTorch release and one CUDA. They are
installed here in releases, or in CUDA builds, that do not go together.

Why it hurts: "operator torchvision::nms does not exist", undefined symbols when libtorchaudio loads, or "Detected that
PyTorch and torchvision were compiled with different CUDA major versions".

How to tell: The torch release that the package's metadata pins, or the published pairs; and the local parts of the
versions (+cu124 against +cu121 or +cpu), or GPU code in the one and none in the other.

How to fix: Install the three together from one index, so that the resolver pairs them.

Sources: https://github.com/pytorch/vision#installation
https://docs.pytorch.org/audio/main/installation.html
https://github.com/pytorch/vision/issues/8985
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Severity
from gpudoctor.rules.pythons import (
    TORCH_INDEX,
    build_named,
    is_release,
    package_named,
    pip,
    public,
    pythons,
    requirements,
    same_release,
    satisfies,
    subject,
    torch_variant,
)
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version

PAIRED = ("torchvision", "torchaudio")


signatures: tuple[Signature | str, ...] = (
    Signature(r"operator torchvision::nms does not exist", 0.97),
    # The operators of a torchvision or torchaudio without CUDA, beside a torch that has it.
    Signature(
        r"Could not run 'torch(?:vision|audio)::\w+' with arguments from the 'CUDA' backend",
        0.95,
        unless=(r"torch(?:vision|audio)[ =:]{1,12}\d\S*\+cpu",),
        explanation="torch works on the GPU, and the package beside it is a build without CUDA.",
    ),
    Signature(r"Couldn't load custom C\+\+ ops", 0.85),
    Signature(r"libtorchaudio\.so:? undefined symbol", 0.95),
    Signature(r"Could not load this library: .{0,120}libtorchaudio", 0.8),
    Signature(r"torchvision/(?:_C|image)\S{0,60}\.so: undefined symbol", 0.95),
    Signature(
        r"Detected that PyTorch and (?:torchvision|torchaudio|TorchAudio) were compiled with different CUDA versions",
        0.97,
    ),
    Signature(
        r"Failed to load image Python extension",
        0.6,
        unless=(r"\bignor\w+|(?:training|everything|model|it) (?:\w+ ){0,3}(?:works|runs)",),
    ),
    Signature(
        r"torchvision \S+ (?:requires|depends on) torch ?==\s?(?P<wants>[\w.+]+), but you have torch (?P<has>[\w.+]+)",
        0.9,
        explanation="This torchvision wants torch {wants}; {has} is installed.",
    ),
    Signature(r"torchaudio \S+ (?:requires|depends on) torch ?==", 0.9),
    Signature(r"DLL load failed while importing (?:torchvision|_torchaudio|image)", 0.7),
    Signature(r"No such operator torchvision::nms", 0.95),
    # Titles and reporters leave "operator" out.
    Signature(
        r"torchvision::\w+`?'?\"? (?:does not|doesn't|did not|didn't) exist|torchvision::nms.{0,20}(?:missing|not found)|(?:不存在|找不到|缺少).{0,10}torchvision::nms|torchvision::nms.{0,6}不存在",
        0.93,
    ),
    Signature(
        r"torchvision.{0,60}(?:is )?incompatible with torch|partially initialized module 'torchvision' has no attribute 'extension'",
        0.85,
        needs=(r"torchvision",),
    ),
    Signature(r"module 'torchvision' has no attribute 'extension'", 0.9),
    Signature(
        r"cannot import name '\w+' from 'torchvision",
        0.5,
        needs=(r"torchvision",),
    ),
    Signature(r"(?:torchaudio/\S{0,80}|_torch(?:audio|_sox)\S{0,60})\.so: undefined symbol", 0.95),
    Signature(
        r"Detected that PyTorch and (?:torchvision|torchaudio) were compiled with different CUDA major versions",
        0.97,
    ),
    Signature(r"torch(?:vision|audio) \S+ has requirement torch ?==", 0.9),
    Signature(
        r"(?:No such operator|operator) (?:torchvision|torchaudio|torio)::\w+(?: does not exist)?",
        0.93,
        unless=(r"Could not run 'torch",),
    ),
    Signature(r"'_OpNamespace' 'torch(?:audio|vision)' object has no attribute", 0.8),
    Signature(
        r"WinError 127\].{0,300}torch(?:vision|audio)|torch(?:vision|audio).{0,300}WinError 127\]", 0.85
    ),
    Signature(
        r"(?:Symbol not found|symbol not found in flat namespace).{0,300}torch(?:vision|audio)|torch(?:vision|audio).{0,300}Symbol not found",
        0.85,
    ),
    Signature(
        r"Failed to load image Python extension.{0,300}(?:undefined symbol|WinError 127|Symbol not found|procedure)",
        0.85,
    ),
    Signature(r"undefined symbol.{0,80}libtorchaudio", 0.9),
    # A file of torchvision's or torchaudio's asks torch for what this torch has not.
    Signature(
        r"(?:site|dist)-packages[/\\]torch(?:vision|audio)[/\\][^\n]{1,120}, line \d+, in [\s\S]{0,600}?(?:AttributeError: (?:partially initialized )?module 'torch(?:\.[\w.]+)?' has no attribute|ImportError: cannot import name '\w+' from 'torch(?:\.[\w.]+)?')",
        0.87,
    ),
    Signature(
        r"(?:partially initialized )?module 'torch(?:\.[\w.]+)?' has no attribute '\w+|cannot import name '\w+' from 'torch(?:\.[\w.]+)?'",
        0.76,
        needs=(r"import torch(?:vision|audio)|from torch(?:vision|audio)|\btorch(?:vision|audio)[/\\.]",),
        unless=(
            r"is_av\w*bl\w*|torch\.py|has no attribute '(?:cuda|nn|Tensor|tensor|device|__version__|load|float\d+|_six|concat)'",
            r"No module named",
        ),
    ),
    Signature(
        r"undefined symbol:? `?_Z\w*?(?:3c10|2at|5torch)",
        0.98,
        needs=(
            r"import torch(?:audio|vision)\b|torch(?:audio|vision)[/\\]__init__|(?:compatible|version\w*|mismatch\w*) .{0,60}\btorch(?:audio|vision)\b|\btorch(?:audio|vision)\W.{0,60}(?:compatible|version\w*|mismatch\w*)",
        ),
        unless=(
            r"flash|xformers|mmcv|detectron|\w_ext\b|_cuda\S{0,40}\.so|torch_(?:s|c)\w+|torchtext|fairseq|vllm|deepspeed|natten|apex|bitsandbytes|torchao|sgl|pytorch3d|pyg_lib|spconv|mamba|causal",
        ),
    ),
    Signature(
        r"Symbol not found: _?torch_library_impl|undefined symbol: torch_library_impl",
        0.9,
        needs=(r"torchaudio|torchvision",),
    ),
    # Resolvers that refuse the pair: pip, uv, Poetry, conda.
    Signature(
        r"torch(?:vision|audio)(?:==| )\S{3,20} (?:requires|depends on) (?:py)?torch ?\(?==",
        0.84,
        needs=(r"conflict|unsatisfiable|incompatible|conclude|impossible|cannot|can't",),
    ),
    # The versions that the text tells, against the published pairs.
    Signature(
        r"torch(?:vision|audio)",
        0.74,
        when="companions-differ",
        needs=(r"import|operator|undefined|attribute|nms|compat|mismatch|conflict|error|fail",),
        explanation="The versions that the text names are of different releases: they do not belong together.",
    ),
    # The reporter's words.
    Signature(
        r"(?:incompatible|mismatch(?:ed|ing)?|wrong|outdated|inconsistent|different|conflicting) (?:versions? )?(?:of |between |for |in )?(?:the )?[`'\"]?(?:(?:py)?torch[`'\"]?(?:,| and|/|\+| &| or) ?)?[`'\"]?torch(?:vision|audio)|"
        r"torch(?:vision|audio)[`'\"]?(?: \d[\w.+]{0,20})?(?: version| stays and| package| build)?s? (?:(?:is|are|was|being) )?(?:incompatible|not compatible|out of sync|mismatch\w*|does(?:n't| not) match|not match\w*)|"
        r"(?:py)?torch[`'\"]?(?:,| and|/| &| or) ?[`'\"]?torch(?:vision|audio)[`'\"]? (?:versions? )?(?:are |is |do |does )?(?:mismatch\w*|incompatib\w*|not compatible|not match|don't match|doesn't match|conflict\w*)|"
        r"(?:version )?(?:mismatch|incompatibility|conflict|compatib\w+ (?:issue|problem)s?) (?:between|of|in|with) .{0,90}torch(?:vision|audio)|"
        r"versions? of torch(?:vision|audio).{0,80}require\w* (?:py)?torch|torch(?:vision|audio).{0,24}(?:version mismatch|版本不(?:匹配|对应|一致|兼容)|版本冲突)|(?:版本不(?:匹配|对应|一致|兼容)|版本冲突).{0,24}torch(?:vision|audio)",
        0.73,
        unless=(r"CUDA driver version is insufficient|out of memory|no kernel image",),
    ),
    # torch of one kind, its companion of another.
    Signature(
        r"torch(?:vision|audio)[ =:]{1,12}\d\S*\+cpu\b",
        0.85,
        needs=(r"\b(?:py)?torch[ =:]{1,12}\d\S*\+cu\d",),
    ),
)


def check(gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem]:
    pairs = 0
    for python in pythons(frameworks):
        torch = build_named(python, "torch")
        for name in PAIRED:
            build = build_named(python, name)
            if torch is None or build is None or not is_release(torch.version):
                continue
            pairs += 1
            why = _release_differs(build, torch) or _cuda_differs(build, torch)
            if why:
                yield _problem(python, build, torch, why, gpu)
            elif pin := _pin_broken(python, build, torch):
                yield _problem(python, build, torch, f"it requires {pin}", gpu, "warning")
    if not pairs:
        raise DoesNotApply("torch and torchvision or torchaudio are not installed together")


def _release_differs(build: Build, torch: Build) -> str:
    wanted = value_of(build.built_for_torch, "")
    if is_version(wanted):
        return "" if same_release(wanted, torch.version) else f"it was compiled for PyTorch {wanted}"
    row = knowledge.torch_companions(".".join(torch.version.split("+")[0].split(".")[:2]))
    pair = getattr(row, build.framework, None) if row is not None else None
    if pair is None or not is_release(build.version) or same_release(pair, build.version):
        return ""
    return f"PyTorch {torch.version} goes with {build.framework} {pair}"


def _cuda_differs(build: Build, torch: Build) -> str:
    own = re.fullmatch(r"cu\d+|cpu|rocm[\d.]+|xpu", build.variant)
    if own and torch.variant and build.variant != torch.variant:
        return f"it is the {build.variant} build, PyTorch the {torch.variant} build"
    if build.framework != "torchvision" or own:
        return ""
    code = build.cuda_code
    if isinstance(code, Known) and code.value and isinstance(torch.cuda, Absent):
        return "it was compiled with CUDA, PyTorch without"
    if isinstance(code, Known) and not code.value and isinstance(torch.cuda, Known):
        return "it was compiled without CUDA, PyTorch with it"
    return ""


def _pin_broken(python: Interpreter, build: Build, torch: Build) -> str:
    """Another patch of the same release loads, but pip refuses it, and "pip check" complains."""
    own = package_named(python, build.framework)
    pins = [(n, s) for n, s, _ in requirements(own, python) if n == "torch"] if own is not None else []
    broken = next((s for _, s in pins if satisfies(public(torch.version), s) is False), "")
    return f"torch{broken}" if broken else ""


def _problem(
    python: Interpreter, build: Build, torch: Build, why: str, gpu: Gpu, severity: Severity = "failure"
) -> Problem:
    release = torch.version.partition("+")[0]
    variant = torch.variant if re.fullmatch(r"cu\d+|cpu", torch.variant) else torch_variant(release, gpu)
    index = f" --index-url {TORCH_INDEX}/{variant}" if variant else ""
    names = " ".join(n for n in PAIRED if build_named(python, n))
    return Problem(
        f"{build.framework} {build.version} does not belong to PyTorch {torch.version}: {why}",
        subject=subject(python, build),
        severity=severity,
        evidence=(
            Evidence(build.framework, build.version, build.location),
            Evidence("PyTorch", torch.version, torch.location),
            Evidence("what differs", why),
        ),
        fix=Fix(
            "Install them together from one index",
            (
                f"{python.path} -m pip uninstall -y {names}",
                f"{pip(python)} torch=={release} {names}{index}",
            ),
            "unsafe",
        ),
    )
