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
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"libcudart\.so\.(?P<cuda>\d+(?:\.\d+)?)\W{1,4}cannot open",
        0.85,
        when="no-other-cuda-shown",
    ),
    Signature(
        r"Could not load dynamic library 'libcudart\.so\.(?P<cuda>\d+(?:\.\d+)?)'", 0.8, when="few-libraries"
    ),
    Signature(r"Could not load dynamic library '?cudart64_\d+\.dll", 0.85, when="few-libraries"),
    Signature(
        r"libcudart\.so not found in any environmental path|did not contain \['libcudart\.so'|CUDA_SETUP: WARNING! libcudart\.so not found",
        0.9,
    ),
    Signature(r"libcudart\.so(?:\.\d+)* (?:was )?not found", 0.85),
    Signature(
        r"Could not find (?:the )?(?:CUDA runtime|cudart)|cannot find -lcudart|cudart64_\d+\.dll.{0,60}(?:not found|missing)",
        0.85,
        needs=(r"cudart|CUDA runtime",),
    ),
    Signature(r"CUDA runtime library.{0,40}(?:not found|could not be found|missing)", 0.8),
    Signature(
        r"Could not load dynamic library 'cudart64_\d+\.dll'.{0,40}dlerror: cudart64",
        0.86,
        when="few-libraries",
    ),
    Signature(r"No libcudart\.so found|libcudart\.dylib.{0,60}(?:image not found|not loaded)", 0.85),
    Signature(r"error while loading shared libraries: libcudart\.so", 0.87),
    # Numba, cuDF and other users of the link without a number.
    Signature(r"libcudart\.so: cannot open shared object file", 0.85),
    # ldd.
    Signature(r"libcudart\.so[\d.]{0,8} => not found", 0.85, when="few-libraries"),
    # TensorFlow up to 2.0 on Windows, self_check.py.
    Signature(r"Could not find '?cudart64_\d+\.dll", 0.88, when="few-libraries"),
)


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
