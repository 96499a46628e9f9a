"""Empty driver libraries are baked into the image

What it is: When a container with a GPU runs, the engine mounts the host's driver libraries onto empty files. `docker
commit`, or an image built in such a container, keeps those empty files. In later containers they are found by the loader
in place of a library, or stand in the way of the mounts.

Why it hurts: Programs fail with "file too short" or find no driver; ldconfig complains that the file is empty; on another
driver version the old empty names stay beside the new ones; and on WSL2 the mounts themselves fail ("file exists").

How to tell: libcuda.so.* or libnvidia-*.so.* of zero bytes in the library folders, on which nothing is mounted.

How to fix: Delete the empty files in the image, and build it with a Dockerfile instead of committing a container that
had a GPU.

Sources: https://github.com/microsoft/WSL/issues/8274
https://github.com/NVIDIA/nvidia-container-toolkit/issues/289
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.containers._shared import the_container
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

explains = ("driver-not-answering", "driver-not-installed")

signatures: tuple[Signature | str, ...] = (
    Signature(r"file creation failed: .{0,200}lib(?:cuda|nvidia-ml)\S*: file exists", 0.93),
    Signature(r"/usr/lib/\S*/libcuda\.so\.1: file exists", 0.93),
)


def check(containers: Containers) -> Iterator[Problem]:
    inside = the_container(containers)
    baked = need_or(inside.baked, "empty driver libraries", ())
    if not baked:
        return
    decisive = [path for path in baked if "/libcuda.so" in path or "/libnvidia-ml.so" in path]
    yield Problem(
        f"{len(baked)} empty driver libraries are part of this image, {(decisive or list(baked))[0]} among them",
        severity="failure" if decisive else "warning",
        evidence=tuple(
            Evidence("zero bytes, nothing mounted on it", path, getattr(inside.baked, "via", ""))
            for path in baked[:6]
        ),
        fix=Fix(
            "Delete them in the image (as a step of its Dockerfile)",
            (
                "find /usr/lib /usr/lib64 -xdev \\( -name 'libcuda*.so*' -o -name 'libnv*.so*' \\) -type f -size 0 -delete",
            ),
        ),
    )
