"""The toolkit is newer than the CUDA that the driver implements

What it is: The selected nvcc makes programs for a newer CUDA than the driver's: by a whole major, or by a minor of the
same major.

Why it hurts: By a major: programs built here do not start ("CUDA driver version is insufficient for CUDA runtime version",
error 35). By a minor: they run (minor-version compatibility) as long as they hold machine code for this GPU; PTX from the
newer nvcc cannot be compiled by the driver ("the provided PTX was compiled with an unsupported toolchain", error 222).

How to tell: The release of the selected toolkit against what cuDriverGetVersion or NVML say. Frameworks from wheels do
not use this toolkit and are judged apart.

How to fix: Upgrade the driver, or select an older toolkit; for a minor: build machine code for the GPU
(-gencode arch=compute_86,code=sm_86), not PTX alone.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Severity
from gpudoctor.rules.judging import driver_cuda, gpu_ruled_out, need
from gpudoctor.rules.toolkit._view import chose, selected, severity, toolkit_subject
from gpudoctor.versions import major, older

BY_A_MAJOR = (
    'Programs built here do not start: "CUDA driver version is insufficient for CUDA runtime version" (error 35). '
    "Frameworks from wheels bring their own CUDA and do not use this toolkit."
)
BY_A_MINOR = (
    "Programs built here run as long as they hold machine code for this GPU (minor-version compatibility). PTX alone "
    'cannot be compiled by the driver: "the provided PTX was compiled with an unsupported toolchain" (error 222).'
)


def check(cuda: Cuda, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    chosen = selected(cuda)
    if gpu_ruled_out(gpu):
        raise DoesNotApply("no NVIDIA GPU: what is built here runs elsewhere")
    said = driver_cuda(gpu)
    highest = need(said, "CUDA version of the driver")
    for selection, toolkit in chosen:
        if not isinstance(toolkit.release, Known):
            yield CouldNotTell(f"the release of {toolkit.prefix}")
            continue
        release = toolkit.release.value
        if not older(highest, release):
            continue
        by_major = major(release) > major(highest)
        level: Severity = severity(cuda, frameworks, "failure", "warning") if by_major else "note"
        what = (
            "programs built with it will not start"
            if by_major
            else "its PTX cannot be compiled by this driver"
        )
        yield Problem(
            f"nvcc is CUDA {release}, the driver implements CUDA {highest}: {what}",
            toolkit_subject(toolkit),
            level,
            (
                chose(selection),
                Evidence("toolkit", release, toolkit.release.via),
                Evidence("driver's CUDA", highest, said.via if isinstance(said, Known) else ""),
            ),
            BY_A_MAJOR if by_major else BY_A_MINOR,
            fix=Fix(
                f"Upgrade the driver to one that implements CUDA {release}, or select a toolkit up to {highest}"
                + ("" if by_major else ", or build machine code for the GPU (-gencode arch=...,code=sm_...)")
            ),
        )
