"""A build puts the stub of libcuda, or cuda-compat, where every program finds it

What it is: A RUN links or copies stubs/libcuda.so into a library folder, an ENV LD_LIBRARY_PATH or a file of ld.so.conf.d names the folder
of stubs, or that of cuda-compat.

Why it hurts: In the container the stub stands before the driver: "CUDA driver is a stub library" (error 34). cuda-compat on the path
fails with error 803 or 804 on hosts whose driver is newer or whose GPU is no data-centre one.

How to tell: The commands and ENV lines that end in the last stage.

How to fix: For linking: ENV LIBRARY_PATH=/usr/local/cuda/lib64/stubs, which the loader does not read; or link with -L in that one RUN.
cuda-compat is added by the NVIDIA Container Toolkit where it helps.

Sources: https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html
https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
https://github.com/numba/numba/issues/8985
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.parsers.dockerfile import pairs
from gpudoctor.rules.images._recipe import place, runs, the_dockerfile

_LINKS = re.compile(
    r"\b(?:ln|cp|install|mv)\s.*/stubs/libcuda\S*\s+\S*(?:/usr/lib|/lib|/usr/local/cuda\S*/lib(?:64)?/?(?!\S*stubs))"
)
_CONFIGURED = re.compile(r"(?:/stubs|/compat)\b.*>+\s*/etc/ld\.so\.conf")
_FOLDER = re.compile(r"/(stubs|compat)/?$")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    for stage in dockerfile.lineage(dockerfile.last):
        for instruction in stage.instructions:
            value = pairs(instruction.text).get("LD_LIBRARY_PATH", "") if instruction.keyword == "ENV" else ""
            part = next((p for p in value.split(":") if _FOLDER.search(p)), "")
            if part:
                yield _problem(dockerfile.path, instruction.line, part, f"ENV LD_LIBRARY_PATH={value}")
        for instruction, line, command in runs(stage):
            found = _LINKS.search(command) or _CONFIGURED.search(command)
            removed = re.search(r"\brm\s[^;&]*libcuda", instruction.text)
            if found and not removed:
                yield _problem(dockerfile.path, line, "stubs" if "/stubs" in command else "compat", command)


def _problem(path: str, line: int, what: str, said: str) -> Problem:
    stub = "stubs" in what
    return Problem(
        f"{'the stub of libcuda' if stub else 'cuda-compat'} is put where every program finds it",
        place(path, line),
        evidence=(Evidence("line", said[:200], f"{path}:{line}"),),
        fix=Fix(
            "For linking set LIBRARY_PATH=/usr/local/cuda/lib64/stubs, which the loader does not read"
            if stub
            else "Leave cuda-compat to the NVIDIA Container Toolkit"
        ),
    )
