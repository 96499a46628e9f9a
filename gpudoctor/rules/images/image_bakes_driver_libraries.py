"""The image brings libcuda or libnvidia-ml of its own

What it is: libcuda and libnvidia-ml belong to the driver, and the engine mounts the host's into the container. This image
has files of these names where the loader looks: a driver that was installed in it, a toolkit's stub that was linked or
copied there, or the empty file that a mount left behind when a running container was saved.

Why it hurts: A library that does not fit the host's kernel module gives error 803 or "driver/library version mismatch", a
stub "CUDA driver is a stub library", an empty file "file too short". Where names differ the host's mount stands beside it,
and which one is found hangs on the order of the folders.

How to tell: Files named libcuda.so*, libnvidia-ml.so* in the image, by their size and place: a driver's libcuda has more than
15 MB, a stub less than 200 kB. Folders of stubs and of cuda-compat that the loader does not search are as they should be.

How to fix: Remove them in the step that brings them. Don't install a driver (cuda-drivers, nvidia-driver, libnvidia-compute) in
an image: packages named `cuda` bring it, `cuda-toolkit-12-4` and `cuda-libraries-12-4` don't. For linking give the stubs to
the linker alone: LIBRARY_PATH=/usr/local/cuda/lib64/stubs.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html#meta-packages
https://github.com/NVIDIA/libnvidia-container/issues/140
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import DriverFile, Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import megabytes, the_image
from gpudoctor.rules.judging import need

explains = ("loader-cache-stale",)

_WORDS = {"empty": "an empty file", "stub": "a stub of the toolkit", "real": "a driver's library"}


def check(image: Image) -> Iterator[Problem]:
    files = need(the_image(image).driver_files, "driver libraries of the image")
    baked = [f for f in files if f.kind in _WORDS and (f.reached or f.kind == "empty")]
    if not baked:
        return
    worst = sorted(baked, key=lambda f: (not f.reached, f.path))[0]
    yield Problem(
        f"{worst.path} is part of the image: {_WORDS[worst.kind]}",
        evidence=tuple(_evidence(f) for f in baked[:8]),
        fix=Fix(
            "Remove these files in the step that brings them, and build the image anew",
            (f"RUN rm -f {' '.join(f.path for f in baked[:8])}",),
        ),
    )


def _evidence(file: DriverFile) -> Evidence:
    where = "on the loader's path" if file.reached else "in a library folder that is not searched"
    return Evidence(_WORDS[file.kind], f"{file.path}, {megabytes(file.size)}", where)
