"""CUDA is in the image twice

What it is: The framework brings CUDA's libraries as wheels (nvidia-cublas-cu12 and so on), and the image has them in the system
too: it was built FROM nvidia/cuda:...-runtime, -devel or -cudnn.

Why it hurts: 2 to 4 GB that nothing loads, on every host. Worse, with the system's folder on LD_LIBRARY_PATH the framework
loads that one instead of the libraries that it was tested with.

How to tell: Copies of cuBLAS or cuDNN both in a toolkit or library folder and in a wheel that the framework loads from.

How to fix: For wheels that bring CUDA start FROM a plain distribution or nvidia/cuda:...-base; or install a framework that is built
against the system's CUDA.

Sources: https://gitlab.com/nvidia/container-images/cuda
https://pytorch.org/get-started/locally/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.facts.libraries import Libraries, Library
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import megabytes, the_image
from gpudoctor.rules.judging import need

#: The families that make up most of CUDA's size.
FAMILIES = ("cublas", "cublaslt", "cudnn", "cufft", "cusolver", "cusparse", "nccl")


def check(image: Image, libraries: Libraries) -> Iterator[Problem]:
    the_image(image)
    copies = need(libraries.copies, "CUDA libraries")
    files = {c.real_path: c for c in copies if c.family in FAMILIES and c.size > 0}
    wheels = [c for c in files.values() if c.origin in ("wheel", "conda")]
    system = [c for c in files.values() if c.origin not in ("wheel", "conda")]
    both = {c.family for c in wheels} & {c.family for c in system}
    if not both & {"cublas", "cublaslt", "cudnn"}:
        return
    twice = [c for c in system if c.family in both]
    yield Problem(
        f"{megabytes(sum(c.size for c in twice))} of CUDA are in the image beside the framework's own",
        severity="note",
        evidence=(_evidence("system", twice), _evidence("wheels", [c for c in wheels if c.family in both])),
        fix=Fix("Start FROM a plain distribution or nvidia/cuda:...-base: the wheels bring CUDA"),
    )


def _evidence(what: str, copies: list[Library]) -> Evidence:
    largest = max(copies, key=lambda c: c.size)
    return Evidence(what, f"{len(copies)} files, {largest.path} the largest")
