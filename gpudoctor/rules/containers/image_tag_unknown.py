"""There is no nvidia/cuda image with this tag

What it is: NVIDIA's CUDA images have tags of one form: release, flavour, distribution ("12.4.1-cudnn-devel-ubuntu22.04").
There is no "latest" and no short release; cuDNN's part is "cudnn8" up to 12.2.2, "cudnn9" for 12.3.2, and just "cudnn" from
12.4.1 on. Not every release was made for every distribution, nor with cuDNN.

Why it hurts: `docker pull` ends with "manifest unknown", and so does every build that starts FROM it. Tags of old
releases also go away.

How to tell: The tag against the images that NVIDIA builds from its published Dockerfiles.

How to fix: Take the tag of the same release that exists.

Sources: https://hub.docker.com/r/nvidia/cuda
https://gitlab.com/nvidia/container-images/cuda/-/blob/master/doc/supported-tags.md
https://gitlab.com/nvidia/container-images/cuda/-/blob/master/doc/support-policy.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.signature import Signature
from gpudoctor.versions import older

_NAME = re.compile(r"(?:(?:docker\.io/|nvcr\.io/)?nvidia/cuda:)?(?P<tag>[\w.-]+)(?:@sha256:\w+)?")


def check(expectation: Expectation) -> Iterator[Problem]:
    if not expectation.image:
        raise DoesNotApply("no image is to be started")
    match = _NAME.fullmatch(expectation.image)
    if match is None:
        raise CannotLook(f"{expectation.image} is no nvidia/cuda image")
    tag = match["tag"]
    version = tag.partition("-")[0]
    row = knowledge.cuda_image(version)
    if row is not None and tag in row.tags:
        return
    if row is None:
        _must_be_known(version)
    near = nearest(tag)
    yield Problem(
        f"there is no nvidia/cuda:{tag}",
        evidence=(
            Evidence("tag", tag, "as asked"),
            Evidence("tags like it", ", ".join(near) or "none", row.source if row else ""),
        ),
        fix=Fix(
            f"Use nvidia/cuda:{near[0]}"
            if near
            else "Choose one of https://hub.docker.com/r/nvidia/cuda/tags"
        ),
    )


def _must_be_known(version: str) -> None:
    """A release that the table can't know is not known; "latest" and short releases were never published so."""
    versions = knowledge.cuda_image_versions()
    if re.fullmatch(r"\d+\.\d+\.\d+(?:\.\d+)?", version):
        known = [v for v in versions if v.split(".")[:2] == version.split(".")[:2]]
        raise CannotLook(
            f"images of CUDA {version} are not in the table (it has {', '.join(known) or 'none of that series'})"
        )
    if re.fullmatch(r"\d+\.\d+", version) and (older(versions[-1], version) or older(version, "11.1")):
        raise CannotLook(f"images of CUDA {version} are not in the table")


def nearest(tag: str) -> tuple[str, ...]:
    """Tags that exist and differ least: of that series, with the parts that were asked for, on a like distribution."""
    version, _, rest = tag.partition("-")
    series = ".".join(version.split(".")[:2])
    parts, distro = _parts(rest)
    found: list[tuple[int, str]] = []
    for known in knowledge.cuda_image_versions():
        row = knowledge.cuda_image(known) if ".".join(known.split(".")[:2]) == series else None
        for other in row.tags if row else ():
            its_parts, its_distro = _parts(other.partition("-")[2])
            away = (
                0
                if its_distro == distro
                else 1
                if its_distro.rstrip("0123456789.") == distro.rstrip("0123456789.")
                else 5
            )
            found.append((3 * (known != version) + 4 * len(parts ^ its_parts) + away, other))
    newest_first = sorted(found, key=lambda pair: pair[1], reverse=True)
    return tuple(name for _, name in sorted(newest_first, key=lambda pair: pair[0])[:3])


def _parts(rest: str) -> tuple[frozenset[str], str]:
    """ "cudnn8-devel-ubuntu22.04" -> its flavour's parts, whatever cuDNN's is called, and the distribution."""
    flavour, _, distro = rest.rpartition("-")
    return frozenset(re.sub(r"cudnn\d*", "cudnn", flavour).split("-")), distro


signatures: tuple[Signature | str, ...] = (
    # NVIDIA removes old images; registries say so in two ways.
    Signature(r"manifest for nvidia/cuda:\S+ not found", 0.95),
    Signature(r"nvidia/cuda:\S{1,60}: not found|manifest unknown", 0.85, needs=(r"nvidia/cuda|nvcr\.io",)),
)
