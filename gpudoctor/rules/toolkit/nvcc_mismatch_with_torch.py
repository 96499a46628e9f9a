"""The nvcc that extension builds would take is of another CUDA major than PyTorch

What it is: PyTorch was built with one CUDA major; the toolkit that its extension builder finds (CUDA_HOME, else the
folder above PATH's nvcc, else /usr/local/cuda) is of another.

Why it hurts: Every build of a CUDA extension (flash-attn, apex, DeepSpeed's operators, your own CUDAExtension) stops with
"The detected CUDA version mismatches the version that was used to compile PyTorch". Running PyTorch is not touched: its
wheels bring their own libraries, so where nobody compiles this is only worth knowing.

How to tell: The CUDA in torch/version.py against the release of the toolkit that torch's own rule selects. Another minor
of the same major only warns, and is well. pip's build isolation may install another torch for the build than the one
that is installed: then the message shows with matching versions here, and --no-build-isolation ends it.

How to fix: Point CUDA_HOME at a toolkit of PyTorch's CUDA major for the build, or install PyTorch for the toolkit's.

Sources: https://github.com/pytorch/pytorch/blob/main/torch/utils/cpp_extension.py (_check_cuda_version)
https://github.com/aeolusguan/NMRF/issues/7
https://github.com/Dao-AILab/flash-attention/issues/219
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.judging import builds, need
from gpudoctor.rules.toolkit._view import chose, selection, severity, tool, toolkit_of, who_builds
from gpudoctor.signature import Signature
from gpudoctor.versions import major

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"The detected CUDA version \((?P<nvcc>[\d.]+)\) mismatches the version that was used to compile PyTorch \((?P<torch>[\d.]+)\)",
        0.97,
        explanation="nvcc is of CUDA {nvcc}, PyTorch was built with {torch}.",
        fix="Point CUDA_HOME to a toolkit of CUDA {torch} (same major and minor), or install the PyTorch built for CUDA {nvcc}; with pip add --no-build-isolation, or an isolated build takes another PyTorch.",
    ),
    Signature(
        r"CUDA version .{0,60}mismatch(?:es)?.{0,60}(?:PyTorch|torch)",
        0.9,
        unless=(r"Most likely this shouldn't be a problem",),
    ),
    Signature(
        r"Cuda extensions are being compiled with a version of Cuda that does not match",
        0.95,
    ),
    Signature(
        r"Installed CUDA version \S+ does not match the version torch was compiled with",
        0.95,
        unless=(r"APIs are compatible, accepting this combination",),
    ),
    Signature(r"PyTorch version was compiled with CUDA \S+ while the installed version is", 0.9),
    r"CUDAMismatchException",
    Signature(
        r"(?:nvcc|CUDA toolkit).{0,60}version.{0,40}(?:differs from|does not match).{0,40}(?:torch|PyTorch)",
        0.85,
    ),
    Signature(
        r"(?:mismatch|differ\w*|conflict)\w* between .{0,80}(?:torch|PyTorch).{0,120}\bnvcc|\bnvcc\b.{0,80}(?:mismatch\w*|differ\w*|not (?:the same|match)).{0,80}(?:torch|PyTorch)",
        0.8,
    ),
    Signature(
        r"CUDA (?:version )?\d+\.\d .{0,30}(?:does not|doesn't|not) match .{0,40}torch",
        0.85,
        unless=(r"torchvision|torchaudio|driver", r"APIs are compatible, accepting"),
    ),
    # A build that failed, where nvcc and PyTorch are told to be of two CUDA majors.
    Signature(
        r"Failed building wheel|failed to build|building (?:the )?wheel|error: command .{0,120}nvcc\S{0,6}' failed|ninja: build stopped|subprocess-exited-with-error|Error compiling objects for extension|(?:build\w*|compil\w*|install\w*) .{0,60}(?:fail\w*|error)|(?:fail\w*|error\w*) .{0,40}(?:build\w*|compil\w*|install\w*)|(?:setup|build|install\w*|extension)(?: \S+){0,3} (?:refuses|stops|aborts|breaks|complains|won't|doesn't)",
        0.74,
        when="nvcc-of-another-major",
        unless=(
            r"unsupported GNU|unsupported Microsoft|Unsupported gpu architecture|CUDA_HOME environment variable is not set|No space left|Killed|cannot open shared object",
        ),
        explanation="nvcc is of another CUDA major than PyTorch.",
    ),
    Signature(r"The detected CUDA version \([\d.]+\) mismatches", 0.93),
    # PyTorch's function that compares them, in a traceback; where the text tells both.
    Signature(r"_check_cuda_version\b", 0.8, unless=(r"CUDA_HOME environment variable is not set",)),
    Signature(r"_check_cuda_version\b", 0.93, when="nvcc-of-another-major"),
    # An extension whose launch stubs are of another CUDA than the runtime that torch brings.
    Signature(
        r"undefined symbol: (?:__cudaPopCallConfiguration|__cudaPushCallConfiguration|cudaSetupArgument|__cudaRegisterFatBinaryEnd|cudaConfigureCall|__cudaGetKernel)",
        0.85,
    ),
    Signature(
        r"CUDA (?:version )?mismatch",
        0.7,
        needs=(
            r"torch",
            r"build|compil|setup\.py|nvcc|/usr/local/cuda",
        ),
        unless=(r"torchvision|torchaudio|driver",),
    ),
)


def check(cuda: Cuda, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    chosen = selection(cuda, "torch")
    toolkit = toolkit_of(cuda, chosen)
    torches = builds(need(frameworks.interpreters, "Python interpreter"), "torch")
    if chosen is None or toolkit is None or tool(toolkit, "nvcc") is None:
        raise DoesNotApply("no toolkit that torch's rule would take")
    mine = [(i, b, b.cuda) for i, b in torches if isinstance(b.cuda, Known)]
    if not mine:
        raise DoesNotApply("no PyTorch built with CUDA")
    for one, build, built_with in mine:
        if not isinstance(toolkit.release, Known):
            yield CouldNotTell(f"the release of {toolkit.prefix}")
            continue
        wanted = major(built_with.value)
        if major(toolkit.release.value) == wanted:
            continue
        fitting = [
            t
            for t in need(cuda.toolkits, "CUDA toolkits")
            if tool(t, "nvcc") and isinstance(t.release, Known) and major(t.release.value) == wanted
        ]
        yield Problem(
            f"PyTorch {build.version} was built with CUDA {built_with.value}, its builds would take nvcc "
            f"{toolkit.release.value}",
            package(one.path, "torch"),
            severity(cuda, frameworks, "warning", "note"),
            (
                Evidence("PyTorch's CUDA", built_with.value, built_with.via),
                chose(chosen),
                Evidence("nvcc", toolkit.release.value, toolkit.release.via),
                *(Evidence("somebody builds", who, "") for who in who_builds(cuda, frameworks)),
            ),
            fix=Fix(
                f"Build with the CUDA {wanted} toolkit that is here",
                (f"export CUDA_HOME={fitting[0].prefix}",),
            )
            if fitting
            else Fix(
                f"For builds, install a CUDA {wanted} toolkit ({built_with.value} is exact) and point CUDA_HOME at it"
            ),
        )
