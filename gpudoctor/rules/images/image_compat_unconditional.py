"""cuda-compat is on the image's loader path for every driver

What it is: The package cuda-compat brings the libcuda of a newer driver, for older drivers of data-centre GPUs. NVIDIA's
toolkit adds it to a container where the host's driver is older. In this image its folder is on LD_LIBRARY_PATH or in
ldconfig's configuration, so that it is used on every host.

Why it hurts: With a driver as new or newer it takes features away or gives error 803; on GeForce and workstation GPUs error
804, "forward compatibility was attempted on non supported HW".

How to tell: A folder that the image's loader searches holds a libcuda and is one of cuda-compat.

How to fix: Take the compat folder off LD_LIBRARY_PATH and out of /etc/ld.so.conf.d, and leave it to the toolkit. An entrypoint
that must do it itself compares versions first.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
https://github.com/NVIDIA/nvidia-docker/issues/1256
https://github.com/NVIDIA/nvidia-docker/issues/1515
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import the_image
from gpudoctor.rules.judging import need

explains = ("cuda-compat-shadows-driver",)


def check(image: Image, libraries: Libraries) -> Iterator[Problem]:
    files = need(the_image(image).driver_files, "driver libraries of the image")
    found = [f for f in files if f.kind == "compat" and f.reached]
    if not found:
        return
    sources = {d.path.rstrip("/"): d.source for d in value_of(libraries.search, ())}
    place = found[0].path.rpartition("/")[0]
    by = sources.get(place, "/etc/ld.so.cache")
    yield Problem(
        f"{place} of cuda-compat is searched by the loader on every host",
        evidence=tuple(
            Evidence("cuda-compat", f.path, sources.get(f.path.rpartition("/")[0], by)) for f in found[:4]
        ),
        fix=Fix(
            f"Take {place} out of {by}"
            + (", then run ldconfig" if by.startswith("/") else "")
            + ": the NVIDIA Container Toolkit adds cuda-compat where it helps"
        ),
    )
