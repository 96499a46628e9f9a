"""The toolkit is older than the GPU: nvcc cannot compile for it

What it is: Each release of nvcc knows a fixed list of compute capabilities. The GPU's came in a later release than the
toolkit that is selected here.

Why it hurts: Builds that compile for the GPU in the machine, which is what PyTorch's extension builder and CMake's
"native" do, stop with "nvcc fatal : Unsupported gpu architecture 'compute_89'". Code for an older capability of the same
major still runs on the GPU, and PTX does where the driver can compile it, but without what is new.

How to tell: The GPU's compute capability against the targets of the selected toolkit's release. A GPU that is *older* than
all targets is another cause (gpu-too-old-for-toolkit). Frameworks from wheels do not use this nvcc.

How to fix: Select a newer toolkit; or build for the newest capability that this one knows (TORCH_CUDA_ARCH_LIST,
CMAKE_CUDA_ARCHITECTURES), with PTX.

Sources: https://github.com/Totoro97/f2-nerf/issues/59
https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#gpu-feature-list
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.cuda import Cuda, Selection, Toolkit
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.judging import Device, untold
from gpudoctor.rules.toolkit._view import chose, gpus, knows, numbers_in, selected, severity, toolkit_subject
from gpudoctor.signature import Signature
from gpudoctor.versions import sm

explains = ("kernel-does-not-compile",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"Unsupported gpu architecture '(?:compute|sm)_(?P<sm>\d{2,3})[af]?'",
        0.93,
        when="toolkit-too-old-for-arch",
        explanation="The toolkit's nvcc does not know architecture {sm}.",
        fix="Use a newer toolkit (8.6: CUDA 11.1; 8.9 and 9.0: CUDA 11.8; 10.0 and 12.0: CUDA 12.8), or leave the architecture out of TORCH_CUDA_ARCH_LIST or CMAKE_CUDA_ARCHITECTURES.",
    ),
    Signature(
        r"Value '(?:sm|compute)_(?P<sm>\d{2,3})[af]?' is not defined for option 'gpu-architecture'",
        0.88,
        when="toolkit-too-old-for-arch",
    ),
    Signature(r"Unknown CUDA arch \(\S+\) or GPU not supported", 0.85),
    Signature(r"(?:unsupported|unknown) CUDA gpu architecture:? sm_\d+", 0.85),
    Signature(
        r"requires CUDA (?:toolkit )?(?:version )?(?:>=? ?)?\d\d\.\d (?:and|or) (?:above|newer|higher|later)",
        0.6,
        unless=(r"driver",),
    ),
    Signature(r"FlashAttention is only supported on CUDA \d\d\.\d and above", 0.9),
    Signature(r"(?:nvcc|CUDA) (?:version )?\S{0,20} ?(?:is )?too old.{0,80}(?:arch|sm_|compute_)", 0.7),
    # An nvcc that is older than the project's C++ standard (c++17: CUDA 11; c++20: CUDA 12).
    Signature(
        r"Value 'c\+\+(?P<std>\d\d)' is not defined for option 'std'",
        0.88,
        explanation="This nvcc does not know C++{std}.",
        fix="Use a newer toolkit: nvcc knows C++17 from CUDA 11.0 on, C++20 from CUDA 12.0 on.",
    ),
    Signature(
        r"Unsupported gpu architecture '(?:compute_)?(?:native|all|all-major)'|CMAKE_CUDA_ARCHITECTURES must be non-empty",
        0.8,
    ),
    Signature(
        r"unsupported gpu arch(?:itecture)?\b(?! ?'(?:compute|sm)_)", 0.7, unless=(r"'(?:compute|sm)_\d",)
    ),
    # Headers and names of a later CUDA: Thrust 1.16 (CUDA 11.6), libcu++, cooperative groups (11.0 and 11.1).
    Signature(
        r"namespace \"thrust(?:::cuda)?\" has no member \"(?:par_nosync|universal_\w+)\"|fatal error: (?:cooperative_groups/memcpy_async\.h|cuda_pipeline\w*\.h|cuda/(?:std/)?(?:pipeline|barrier|atomic|functional|std/\w+)|nv/target): No such file",
        0.75,
        explanation="The source uses what came with a later CUDA toolkit.",
        fix="Use a newer toolkit.",
    ),
    # Options and types of a later CUDA.
    Signature(
        r"nvcc fatal : Unknown option '-{0,2}(?:threads|t\d?|generate-dependencies\S*|diag-suppress|expt-\S+|static-global-template-stub|compress-mode|split-compile|Werror)",
        0.75,
    ),
    Signature(
        r"fatal error: cuda_(?:fp8|bf16|fp4|fp6)\.h(?:pp)?: No such file|identifier \"__nv_(?:bfloat162?|fp8\w*|fp4\w*)\" is undefined",
        0.85,
        explanation="The source uses types that this toolkit does not have yet.",
        fix="Use a newer toolkit (bfloat16: CUDA 11.0; fp8: CUDA 11.8; fp4: CUDA 12.8).",
    ),
    Signature(r"unknown target CPU 'sm_\d+", 0.85),
)


def check(
    cuda: Cuda, gpu: Gpu, frameworks: Frameworks, expectation: Expectation
) -> Iterator[Problem | CouldNotTell]:
    chosen = selected(cuda)
    for target in expectation.targets:
        for selection, toolkit in chosen:
            yield from _target(target, selection, toolkit)
    for device in gpus(gpu):
        if not isinstance(device.compute_capability, Known):
            yield untold(device, "compute capability", device.compute_capability)
            continue
        for selection, toolkit in chosen:
            yield from _judged(device, device.compute_capability, selection, toolkit, cuda, frameworks)


def _target(target: str, selection: Selection, toolkit: Toolkit) -> Iterator[Problem | CouldNotTell]:
    """A target that is wanted beside the GPUs' own: "9.0a"."""
    targets = knowledge.toolkit_targets(value_of(toolkit.release, ""))
    if targets is None:
        yield CouldNotTell(f"no list of the targets of {toolkit.prefix}")
        return
    if target in targets.sm:
        return
    named = sm(target.rstrip("af")) + target[-1:].strip("0123456789")
    yield Problem(
        f"nvcc {value_of(toolkit.release, '')} does not know the target {named}",
        toolkit_subject(toolkit),
        "failure",
        (chose(selection), Evidence("the newest that it knows", ", ".join(targets.sm[-4:]), targets.source)),
        fix=Fix(f"Select a toolkit that knows {named}"),
    )


def _judged(
    device: Device,
    capability: Known[str],
    selection: Selection,
    toolkit: Toolkit,
    cuda: Cuda,
    frameworks: Frameworks,
) -> Iterator[Problem | CouldNotTell]:
    if not isinstance(toolkit.release, Known):
        yield CouldNotTell(f"the release of {toolkit.prefix}")
        return
    targets = knowledge.toolkit_targets(toolkit.release.value)
    if targets is None:
        yield CouldNotTell(f"no list of the targets of CUDA {toolkit.release.value}")
        return
    if knows(targets.sm, capability.value) is not False:
        return
    newest = max((c for c in targets.sm if not c[-1].isalpha()), key=numbers_in)
    name = value_of(device.name, device.subject.label)
    usable = [c for c in targets.sm if not c[-1].isalpha() and numbers_in(c) < numbers_in(capability.value)]
    fallback = max(usable, key=numbers_in)
    yield Problem(
        f"nvcc {toolkit.release.value} cannot compile for {sm(capability.value)} ({name}); it ends at {sm(newest)}",
        toolkit_subject(toolkit),
        severity(cuda, frameworks, "failure", "warning"),
        (
            Evidence("compute capability", capability.value, capability.via),
            chose(selection),
            Evidence("newest target", sm(newest), targets.source),
        ),
        fix=Fix(
            f"Select a toolkit that knows {sm(capability.value)}; until then build for {fallback} with PTX",
            (f'export TORCH_CUDA_ARCH_LIST="{fallback}+PTX"',),
        ),
    )
