"""A framework's CUDA runtime (libcudart) is found nowhere

What it is: A library wants CUDA's runtime by its soname (libcudart.so.12), and the loader finds no file of that name.
The "CUDA Version" that nvidia-smi prints is what the driver could run; it does not say that a runtime is installed.

Why it hurts: The import fails: "libcudart.so.12: cannot open shared object file".

How to tell: The loader's search is played through from the framework's own library. Everything else that it wants is
found, or is not CUDA's.

How to fix: Install the runtime's wheel of the framework's CUDA major version into its environment.

Sources: https://github.com/cupy/cupy/issues/7772
https://docs.cupy.dev/en/stable/install.html
https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import build_of, load_evidence, loadings, missing


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        lacks = missing(loading)
        if {load.family for load in lacks} != {"cudart"}:
            continue
        interpreter, _ = build_of(loading, frameworks)
        there = [c for c in value_of(libraries.copies, ()) if c.family == "cudart"]
        python = interpreter.path if interpreter else ""
        yield Problem(
            f"{loading.framework} finds no {lacks[0].soname}",
            loading.subject,
            evidence=(
                *load_evidence(lacks),
                *(Evidence("there is", c.path, c.package or c.origin) for c in there[:3]),
            ),
            fix=_fix(lacks[0].soname, python),
        )


def _fix(soname: str, python: str) -> Fix:
    major = soname.partition(".so.")[2].partition(".")[0]
    if not python or not major.isdigit():
        return Fix("Install the CUDA runtime of the framework's major version into its environment")
    package = f"nvidia-cuda-runtime-cu{major}" if int(major) < 13 else f"nvidia-cuda-runtime=={major}.*"
    return Fix(f"Install {package}", (f'{python} -m pip install "{package}"',), "unsafe")
