"""The selected toolkit lacks parts that compiling needs

What it is: nvcc is there, and its headers, libdevice or the CUDA runtime to link with are not: a toolkit of single
packages (conda's cuda-nvcc alone, a trimmed image) or an installation that was broken off.

Why it hurts: nvcc starts and then stops with "cuda_runtime.h: No such file or directory", "cannot find -lcudart_static",
or "libdevice not found".

How to tell: The files in the toolkit's own folders. A wheel or a Nix package is a part by design and is not judged.

How to fix: Install the missing parts by the way the toolkit came (apt: cuda-toolkit-12-4; conda: cuda-toolkit or
cuda-cudart-dev; runfile: run it again with --toolkit).

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#meta-packages
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#conda-installation
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Toolkit
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.toolkit._view import chose, selected, severity, toolkit_subject
from gpudoctor.signature import Signature

explains = ("kernel-does-not-compile",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"fatal error: (?:cublas_v2|cusparse|cusolverDn|curand(?:_kernel)?|cufft|nvToolsExt|nvtx3/\S+|cub/cub|thrust/\S+|cuda_profiler_api|cupti|nvrtc)\.(?:h|cuh): No such file or directory",
        0.88,
    ),
    Signature(r"third_party/gpus/cuda/extras/CUPTI/include/cupti\.h.{0,40}(?:not found|No such file)", 0.93),
    Signature(
        r"cannot find -l(?:cublas|cublasLt|cudart_static|cudadevrt|cusparse|cusolver|curand|cufft|nvrtc|nvToolsExt)\b",
        0.82,
    ),
    Signature(
        r"CUDA_(?:nvToolsExt|cublas|cusparse|CUDA_CUDART)_LIBRARY-?NOTFOUND|CUDA::nvToolsExt",
        0.75,
        needs=(r"NOTFOUND|nvToolsExt",),
    ),
)


def check(cuda: Cuda, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    for selection, toolkit in selected(cuda):
        if toolkit.origin in ("wheel", "nix"):
            continue
        parts = {
            "headers (cuda_runtime_api.h)": toolkit.headers,
            "libdevice": toolkit.libdevice,
            "the CUDA runtime (libcudart)": toolkit.cudart,
        }
        for name, part in parts.items():
            if isinstance(part, Unknown):
                yield CouldNotTell(f"{name} of {toolkit.prefix}: {part.reason}", part.would_help)
        missing = {name: part.looked_in for name, part in parts.items() if isinstance(part, Absent)}
        if missing:
            yield Problem(
                f"The toolkit in {toolkit.prefix} lacks {' and '.join(missing)}",
                toolkit_subject(toolkit),
                severity(cuda, frameworks, "failure", "warning"),
                (
                    chose(selection),
                    *(Evidence(name, "not there", places) for name, places in missing.items()),
                ),
                fix=_fix(toolkit),
            )


def _fix(toolkit: Toolkit) -> Fix:
    release = value_of(toolkit.release, "")
    if toolkit.origin == "conda":
        version = f"={release}" if release else ""
        return Fix(
            "Install the whole toolkit",
            (f"conda install -p {toolkit.prefix} -c nvidia cuda-toolkit{version}",),
        )
    if (
        toolkit.origin == "distribution"
        and isinstance(toolkit.release, Known)
        and "/cuda-" in toolkit.real_prefix
    ):
        return Fix(
            "Install the whole toolkit", (f"sudo apt install cuda-toolkit-{release.replace('.', '-')}",)
        )
    return Fix(f"Install the whole toolkit {release} again, or select another".replace("  ", " "))
