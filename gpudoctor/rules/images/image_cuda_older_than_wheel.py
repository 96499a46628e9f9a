"""The CUDA in the image is older than the one that its framework was built with

What it is: A framework that takes CUDA's libraries from the image was built with a newer release than the image has: its wheel
was installed over a base image of another CUDA, as in tensorflow/tensorflow:2.18.0-gpu (12.5 wanted, 12.3 inside).

Why it hurts: Names of libraries hold only the major version, so the loader takes the older ones. A function that came with a
later release is then missing in the middle of a run ("undefined symbol"), or a library answers "not supported".

How to tell: The CUDA version that the wheel's own build record says, against the version of the libcudart that the loader's
search from the framework's library ends at.

How to fix: Start FROM the release that the wheel was built with, or install the framework with its CUDA as wheels
(`tensorflow[and-cuda]`) on a plain base.

Sources: https://github.com/tensorflow/build/issues/217
https://github.com/tensorflow/tensorflow/issues/81344
https://www.tensorflow.org/install/source#gpu
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Build, Frameworks
from gpudoctor.facts.image import Image
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Fix, Problem, seen
from gpudoctor.rules.images._image import the_image
from gpudoctor.rules.loading import build_of, load_evidence, loadings
from gpudoctor.versions import is_version, older, release


def check(image: Image, libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    the_image(image)
    for loading in loadings(libraries):
        _, build = build_of(loading, frameworks)
        wanted = value_of(build.cuda, "") if build else ""
        runtime = next((load for load in loading.of("cudart") if load.path), None)
        inside = value_of(runtime.version, "") if runtime else ""
        if not build or not runtime or "." not in wanted or not is_version(wanted) or not is_version(inside):
            continue
        if not older(release(inside), release(wanted)):
            continue
        yield Problem(
            f"{loading.framework} {build.version} was built with CUDA {wanted}, the image has {release(inside)}",
            loading.subject,
            "warning",
            (seen(f"CUDA that {loading.framework} was built with", build.cuda), *load_evidence((runtime,))),
            fix=Fix(_fix(build, wanted)),
        )


def _fix(build: Build, wanted: str) -> str:
    tags = [v for v in knowledge.cuda_image_versions() if release(v) == release(wanted)]
    base = f"FROM nvidia/cuda:{tags[-1]}-..., or " if tags else ""
    return f"Start {base}from a plain base with {build.framework} and its CUDA as wheels"
