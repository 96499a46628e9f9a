"""The last stage starts from a devel image

What it is: The image that is shipped stands on nvidia/cuda:...-devel, which adds nvcc, headers and static libraries to the runtime image.

Why it hurts: 3 to 5 GB more on every host, which only a compiler reads.

How to tell: The base of the last stage. Where it compiles at run time (Triton and torch.compile don't need nvcc; JIT extensions and TensorRT
plugins do), the devel image is right.

How to fix: Compile in a stage FROM ...-devel, and COPY --from it into a last stage FROM ...-runtime or ...-base of the same release.

Sources: https://hub.docker.com/r/nvidia/cuda
https://docs.docker.com/build/building/multi-stage/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import CUDA_BASE, base_of, place, the_dockerfile


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    base = base_of(dockerfile, dockerfile.last)
    match = CUDA_BASE.fullmatch(base)
    if match is None or "devel" not in match["tag"]:
        return
    line = dockerfile.last.line
    yield Problem(
        f"the last stage stands on {base}",
        place(dockerfile.path, line),
        "note",
        (Evidence("FROM", base, f"{dockerfile.path}:{line}"),),
        fix=Fix(
            f"Start the last stage FROM nvidia/cuda:{match['tag'].replace('devel', 'runtime')}, and copy what was built"
        ),
    )
