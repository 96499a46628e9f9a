"""This cuDNN was never built for that CUDA

What it is: cuDNN is published for certain major versions of CUDA: up to 9.10.2 for CUDA 11, from 8.8.0 on for CUDA 12,
from 9.12.0 on for CUDA 13. Another pair can't be downloaded or installed from a package index.

Why it hurts: There is no such package; a cuDNN that is built for another major version of CUDA wants that version's
libraries (libcublas.so.12) and fails to load them, or brings them in beside those of the framework.

How to tell: Version and CUDA of the cuDNN package against the list of what was published.

How to fix: Choose a cuDNN of that CUDA's range, or the CUDA that the cuDNN is for.

Sources: https://docs.nvidia.com/deeplearning/cudnn/latest/support-matrix/index.html
https://docs.nvidia.com/deeplearning/cudnn/archives/cudnn-822/support-matrix/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.versions import is_version, major, numbers


def check(expectation: Expectation) -> Iterator[Problem]:
    version, cuda = expectation.cudnn, expectation.cudnn_beside
    if not version or not cuda:
        raise DoesNotApply("no cuDNN is wanted for a CUDA")
    row = knowledge.cudnn_published(major(cuda))
    if row is None or not is_version(version):
        raise CannotLook(f"which cuDNN were built for CUDA {major(cuda)} is not in the table")
    own = expectation.cudnn_cuda
    asked = numbers(version)
    parts = len(asked)
    early = asked < numbers(row.first)[:parts]
    late = asked[:3] > numbers(row.last)[:3]
    if late and row.last == knowledge.newest("cudnn").value:
        raise CannotLook(f"cuDNN {version} is newer than the table, which ends at {row.last}")
    if not early and not late and own in (0, major(cuda)):
        return
    why = (
        f"nvidia-cudnn-cu{own} is for CUDA {own}, not for CUDA {cuda}"
        if own not in (0, major(cuda))
        else f"cuDNN {version} was never built for CUDA {major(cuda)}: {row.first} to {row.last} were"
    )
    yield Problem(
        why,
        evidence=(
            Evidence("cuDNN", version, "as asked"),
            Evidence(f"cuDNN for CUDA {major(cuda)}", f"{row.first} to {row.last}", row.source),
        ),
        fix=Fix(f"Take a cuDNN from {row.first} to {row.last} for CUDA {major(cuda)}"),
    )
