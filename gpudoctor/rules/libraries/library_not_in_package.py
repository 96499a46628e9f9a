"""A library is looked for where the installed package does not have it

What it is: NVIDIA's wheels put their libraries below site-packages/nvidia. Up to CUDA 12 each part has a folder of its own
(nvidia/cuda_runtime/lib/libcudart.so.12); with CUDA 13 the toolkit's parts share one (nvidia/cu13/lib/libcudart.so.13).
cuDNN and NCCL kept theirs. A path or a soname of one layout is looked for in the other.

Why it hurts: A program that opens the library by that path, an RPATH or an LD_LIBRARY_PATH written for the other layout
ends with "cannot open shared object file".

How to tell: The path or soname that is wanted against the files of the installed package.

How to fix: Look where that package's major version puts it, or install the package of the wanted major version.

Sources: files of nvidia-cuda-runtime-cu12 12.4.127 and nvidia-cudnn-cu13 9.13.0 on PyPI
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#pip-wheels
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need


def check(libraries: Libraries, expectation: Expectation) -> Iterator[Problem]:
    if not expectation.sonames:
        raise DoesNotApply("no library is looked for")
    copies = need(libraries.copies, "CUDA library")
    for wanted in expectation.sonames:
        place = wanted.strip("/")
        found = [
            c for c in copies if c.name == place or c.path.endswith(f"/{place}") or f"/{place}/" in c.path
        ]
        if found:
            continue
        stem = wanted.rpartition("/")[2].partition(".so")[0]
        like = [c for c in copies if c.name.partition(".so")[0] == stem] or list(copies)
        yield Problem(
            f"{wanted} is in none of the installed packages",
            evidence=tuple(Evidence("there is", c.path, c.package or c.origin) for c in like[:3]),
            fix=Fix(
                f"Look for {like[0].path.partition('site-packages/')[2] or like[0].name}"
                if like
                else "Install its package"
            ),
        )
