"""A Dockerfile or a compose file names an nvidia/cuda tag that does not exist

What it is: A FROM, a COPY --from or a service's `image:` names a tag of nvidia/cuda that NVIDIA never published ("latest", a short
release, cudnn8 from 12.3 on), or has removed, as it does with releases that are no longer supported.

Why it hurts: The build, or `docker compose up`, ends with "manifest unknown". It worked for whoever still has the image in a cache.

How to tell: The tag against the images that NVIDIA's published Dockerfiles make.

How to fix: Take a tag that exists, and pin its digest: nvidia/cuda:TAG@sha256:...

Sources: https://hub.docker.com/r/nvidia/cuda
https://gitlab.com/nvidia/container-images/cuda/-/blob/master/doc/support-policy.md
https://github.com/replicate/cog/issues/1162
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CannotLook, CouldNotTell, Evidence, Problem
from gpudoctor.rules.containers import image_tag_unknown
from gpudoctor.rules.images._recipe import any_recipe, place

_CUDA = re.compile(r"(?:docker\.io/|nvcr\.io/)?nvidia/cuda(?:$|[:@].*)")


def check(image: Image) -> Iterator[Problem | CouldNotTell]:
    any_recipe(image)
    for path, line, name in _named(image):
        if not _CUDA.fullmatch(name) or "$" in name:
            continue
        named = name if ":" in name.partition("@")[0] else f"{name.partition('@')[0]}:latest"
        if named.endswith(":latest") and "@" in name:
            continue  # a digest alone
        try:
            found = list(image_tag_unknown.check(Expectation(image=named)))
        except CannotLook as error:
            yield CouldNotTell(f"{path}:{line}: {error.reason}", subject=place(path, line))
            continue
        for problem in found:
            evidence = (Evidence("image", name, f"{path}:{line}"), *problem.evidence[1:])
            yield problem.replace(subject=place(path, line), evidence=evidence)


def _named(image: Image) -> Iterator[tuple[str, int, str]]:
    dockerfile, compose = value_of(image.dockerfile, None), value_of(image.compose, None)
    for stage in dockerfile.stages if dockerfile else ():
        assert dockerfile is not None
        if not stage.of_stage:
            yield dockerfile.path, stage.line, stage.base
        for instruction in stage.instructions:
            for flag in instruction.flags:
                source = re.search(r"\bfrom=([^,\s]+)", flag)
                if source:
                    yield dockerfile.path, instruction.line, source[1]
    for service in compose.services if compose else ():
        assert compose is not None
        if service.image:
            yield compose.path, service.lines.get("image", service.line), service.image
