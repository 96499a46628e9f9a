"""Several CUDA libraries that a framework opens are found nowhere

What it is: A framework opens CUDA's libraries by name when it looks for GPUs. The loader finds no file for some of
these names. TensorFlow does not say for which: "Cannot dlopen some GPU libraries. Skipping registering GPU devices".

Why it hurts: TensorFlow then runs on the CPU without a failure; other frameworks end at their import.

How to tell: The names that the framework opens, each played through the loader's search from the library that opens it.

How to fix: Install the framework together with its CUDA libraries, as wheels: `tensorflow[and-cuda]`, `jax[cuda12]`,
`onnxruntime-gpu[cuda,cudnn]`. A system-wide CUDA is not needed for that, nor LD_LIBRARY_PATH.

Sources: https://github.com/tensorflow/tensorflow/issues/66987
https://github.com/tensorflow/tensorflow/issues/63362
https://www.tensorflow.org/install/pip
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import Loading, build_of, load_evidence, loadings, missing

explains = ("cudnn-missing", "libcudart-missing")

_ALONE = ({"cudart"}, {"cudnn"})


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        lacks = missing(loading)
        families = {load.family for load in lacks}
        if not lacks or families in _ALONE:
            continue
        interpreter, build = build_of(loading, frameworks)
        others = [c for c in value_of(libraries.copies, ()) if c.family in families]
        yield Problem(
            f"{loading.framework} finds {len(lacks)} of its CUDA libraries nowhere: "
            + ", ".join(load.soname for load in lacks),
            loading.subject,
            evidence=(
                *load_evidence(lacks),
                *(Evidence("there is", c.path, c.package or c.origin) for c in others[:3]),
            ),
            fix=_fix(loading, build, interpreter.path if interpreter else ""),
        )


def _fix(loading: Loading, build: Build | None, python: str) -> Fix:
    version = build.version.partition("+")[0] if build else ""
    major = value_of(build.cuda, "").partition(".")[0] if build else ""
    wanted = {
        "tensorflow": f"tensorflow[and-cuda]=={version}",
        "jax": f"jax[cuda{major}]=={version}",
        "onnxruntime": f"onnxruntime-gpu[cuda,cudnn]=={version}",
    }.get(loading.framework if version and major else "")
    if not wanted or not python:
        return Fix("Install the framework again, together with the CUDA libraries that its package requires")
    return Fix(f"Install {wanted}", (f'{python} -m pip install "{wanted}"',), "unsafe")
