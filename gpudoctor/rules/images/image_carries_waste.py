"""The image carries what a running container never reads

What it is: Package lists of apt, archives of packages, caches of pip, uv and conda, static libraries of CUDA, and files that a
later step removed: a removal does not shrink the layer that brought the file.

Why it hurts: Every host that runs the image pulls and keeps these bytes; with CUDA they are easily half of it, and
starting a job on a new node takes that much longer.

How to tell: Their sizes in the image's layers.

How to fix: Remove lists and caches in the RUN that made them, or keep them out with RUN --mount=type=cache; start the last stage
FROM a runtime image and copy into it only what runs.

Sources: https://docs.docker.com/build/building/best-practices/
https://docs.docker.com/build/cache/optimize/#use-cache-mounts
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import megabytes, the_image
from gpudoctor.rules.judging import need

#: Less than this is not worth a line (bytes): a base image's own lists among it.
WORTH = 10_000_000
#: Of apt's lists a megabyte is enough: they go stale, and a later `apt-get install` without update breaks.
WORTH_LISTS = 1_000_000

_WORDS = {
    "apt-lists": ("package lists of apt", "rm -rf /var/lib/apt/lists/*, in the same RUN"),
    "apt-archives": ("archives of apt", "apt-get clean, in the same RUN"),
    "pip-cache": ("cache of pip or uv", "PIP_NO_CACHE_DIR=1, or RUN --mount=type=cache"),
    "conda-packages": ("package archives of conda", "conda clean --all --yes, in the same RUN"),
    "static-libraries": ("static libraries of CUDA", "start the last stage FROM a runtime image"),
    "hidden": ("files that later layers hide", "remove them in the layer that brings them"),
}


def check(image: Image) -> Iterator[Problem]:
    found = need(the_image(image).waste, "waste in the image")
    counted = [w for w in found if w.size >= (WORTH_LISTS if w.kind == "apt-lists" else WORTH)]
    if not counted:
        return
    total = sum(w.size for w in counted)
    yield Problem(
        f"{megabytes(total)} of the image are never used by a running container",
        severity="note",
        evidence=tuple(
            Evidence(
                _WORDS[w.kind][0], megabytes(w.size) + (f" in {w.files} files" if w.files else ""), w.place
            )
            for w in counted[:8]
        ),
        fix=Fix("; ".join(dict.fromkeys(_WORDS[w.kind][1] for w in counted))),
    )
