"""A driver library is an empty file

What it is: Container runtimes mount the host's driver libraries over empty files. Where a container with such mounts
was saved as an image, the empty files stayed in it, and are found by the loader wherever the mount is missing.

Why it hurts: The loader stops at the empty file: "libcuda.so.1: file too short". With the NVIDIA runtime the baked
files can hide the ones that it mounts, when the versions in their names differ.

How to tell: The size of the file that the loader's search ends at.

How to fix: Remove the empty files from the image, or build it anew from its Dockerfile instead of from a container
that ran with GPUs.

Sources: https://github.com/NVIDIA/libnvidia-container/issues/140
https://github.com/NVIDIA/enroot/issues/155
https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "driver-not-installed",
    "container-no-gpu-flag",
    "driver-library-mismatch",
)

signatures: tuple[Signature | str, ...] = (
    Signature(r"lib(?:cuda|nvidia-\w+)\.so\S{0,20}.{0,40}(?:file too short|is empty, not checked)", 0.93),
    Signature(r"File /\S+/libcuda\.so\S* is empty", 0.93),
)


def check(driver: Driver, containers: Containers) -> Iterator[Problem]:
    if isinstance(containers.inside, Known):
        raise DoesNotApply(
            "inside a container empty files are mount targets: container-baked-driver-libraries judges them"
        )
    copies = need(driver.libraries, "driver library")
    empty = [c for c in copies if c.size == 0]
    if not empty:
        return
    first = {c.name: c for c in reversed(copies) if c.origin != "unreached"}
    stops = [c for c in empty if first.get(c.name) == c]
    files = " ".join(dict.fromkeys(c.real_path for c in empty))
    yield Problem(
        f"{(stops or empty)[0].real_path} has no bytes",
        severity="failure" if stops else "warning",
        evidence=tuple(Evidence(c.name, f"{c.real_path}, 0 bytes", c.origin) for c in empty),
        fix=Fix("Remove the empty files", (f"sudo rm {files}", "sudo ldconfig"), "unsafe"),
    )
