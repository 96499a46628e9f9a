"""Two selectors pick toolkits of different CUDA releases

What it is: The nvcc on PATH belongs to one CUDA release, while CUDA_HOME, CUDA_PATH, CUDACXX or CUDAToolkit_ROOT names
another.

Why it hurts: Half of a build takes one toolkit, the other half the other: a Makefile runs PATH's nvcc with CUDA_HOME's
headers, PyTorch's extension builder takes CUDA_HOME while a plain `nvcc --version` shows the other. The errors that
follow (undefined symbols, wrong CUDART_VERSION, "detected CUDA version mismatches") never name the reason.

How to tell: Every selector followed to its end through links and wrapper scripts, and the releases there compared. Two
names of one toolkit (/usr/local/cuda and /usr/local/cuda-12.4) are no disagreement.

How to fix: Let one of them decide: put $CUDA_HOME/bin first on PATH, or set CUDA_HOME to the toolkit on PATH.

Sources: https://github.com/pytorch/pytorch/issues/22844
https://github.com/pytorch/pytorch/issues/4150
https://cmake.org/cmake/help/latest/module/FindCUDAToolkit.html (search behaviour)
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import Known
from gpudoctor.findings import MACHINE, CouldNotTell, DoesNotApply, Fix, Problem, Subject
from gpudoctor.rules.toolkit._view import VARIABLES, chose, selection, toolkit_of, where_to_edit


def check(cuda: Cuda, environment: Environment) -> Iterator[Problem | CouldNotTell]:
    path = selection(cuda, "PATH")
    mine = toolkit_of(cuda, path)
    named = [s for name in VARIABLES if (s := selection(cuda, name)) is not None]
    if path is None or mine is None or not named:
        raise DoesNotApply("fewer than two selectors name a toolkit")
    for other in named:
        theirs = toolkit_of(cuda, other)
        if theirs is None or theirs.real_prefix == mine.real_prefix:
            continue
        if not isinstance(mine.release, Known) or not isinstance(theirs.release, Known):
            yield CouldNotTell(f"the release of {mine.prefix} or {theirs.prefix} is not known")
            continue
        if mine.release.value == theirs.release.value:
            continue
        yield Problem(
            f"{other.selector} picks CUDA {theirs.release.value}, nvcc on PATH is CUDA {mine.release.value}",
            Subject("variable", other.selector, other.selector, MACHINE),
            "warning",
            (chose(path), chose(other)),
            fix=Fix(
                f"Let one decide: put {theirs.prefix}/bin first on PATH, or change {other.selector}"
                + where_to_edit(environment, other.selector),
                (f'export PATH="{theirs.prefix}/bin${{PATH:+:$PATH}}"',),
            ),
        )
