"""A framework that brings CUDA is installed over an image that has it

What it is: The last stage stands on nvidia/cuda:...-runtime, -devel or with cuDNN, and installs torch, tensorflow[and-cuda] or
jax[cuda12], whose packages bring the same libraries as wheels.

Why it hurts: 2 to 4 GB that nothing loads; and with CUDA's folder on LD_LIBRARY_PATH the wrong copy is loaded.

How to tell: The base and the pip commands of the last stage.

How to fix: FROM a plain distribution or python:3.12-slim, or nvidia/cuda:...-base, which has little more than NVIDIA's variables.

Sources: https://hub.docker.com/r/nvidia/cuda
https://pytorch.org/get-started/locally/
https://www.tensorflow.org/install/pip
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import CUDA_BASE, base_of, installs_framework, place, the_dockerfile

#: Plain `tensorflow` brings no CUDA: over a CUDA image it is right.
_BRINGS = re.compile(r"torch|tensorflow\[and-cuda\]|jax\[cuda\d+\]|vllm|nvidia-\w+-cu\d+")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    match = CUDA_BASE.fullmatch(base_of(dockerfile, dockerfile.last))
    if match is None or not re.search(r"runtime|devel|cudnn", match["tag"]):
        return
    for stage in dockerfile.lineage(dockerfile.last):
        found = installs_framework(stage)
        if found is None or not _BRINGS.fullmatch(found[1]):
            continue
        line, package = found
        release, distro = match["tag"].partition("-")[0], match["tag"].rpartition("-")[2]
        yield Problem(
            f"{package} brings CUDA, and so does {match[0]}",
            place(dockerfile.path, line),
            "note",
            (
                Evidence("base", match[0], f"{dockerfile.path}:{stage.line}"),
                Evidence("installs", package, f"{dockerfile.path}:{line}"),
            ),
            fix=Fix(f"FROM nvidia/cuda:{release}-base-{distro}, or a plain distribution"),
        )
