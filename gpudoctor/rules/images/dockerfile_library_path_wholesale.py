"""ENV LD_LIBRARY_PATH replaces what the base had, or begins with nothing

What it is: An ENV sets LD_LIBRARY_PATH without the base's own value, in an image whose base sets it to the folders that the driver is
mounted into (/usr/local/nvidia/lib, lib64). Or it appends `$LD_LIBRARY_PATH` where the base sets none, which leaves an empty element.

Why it hurts: Without the driver's folders libcuda is in the container and not found on hosts that mount it there (GKE and other
device plugins). An empty element means the current folder: a library that lies there is loaded before the system's.

How to tell: The ENV lines and what the base image is known to set.

How to fix: ENV LD_LIBRARY_PATH=/opt/x/lib:${LD_LIBRARY_PATH} on NVIDIA's images, ENV LD_LIBRARY_PATH=/opt/x/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}} where
nobody knows. Better still: a file in /etc/ld.so.conf.d, and ldconfig.

Sources: https://gitlab.com/nvidia/container-images/cuda
https://docs.docker.com/reference/dockerfile/#environment-replacement
https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.parsers.dockerfile import pairs
from gpudoctor.rules.images._recipe import base_of, kind_of, place, the_dockerfile

NAME = "LD_LIBRARY_PATH"
_DRIVER = "/usr/local/nvidia/lib64"


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    for stage in dockerfile.stages:
        kind = kind_of(base_of(dockerfile, stage))
        for instruction in stage.instructions:
            value = pairs(instruction.text).get(NAME) if instruction.keyword == "ENV" else None
            if value is None:
                continue
            inherits = f"${NAME}" in value or f"${{{NAME}" in value
            written = pairs(instruction.raw).get(NAME, value)
            words = ""
            if kind == "nvidia" and not inherits and _DRIVER not in value:
                words = f"{NAME} is set without the value of the base image: the driver's folders are lost"
                better = f"ENV {NAME}={written}:${{{NAME}}}"
            elif "" in value.split(":") or (kind == "plain" and inherits and "+" not in written):
                words = f"{NAME} gets an empty element, which means the current folder"
                better = f"ENV {NAME}={_first(written)}"
            if words:
                yield Problem(
                    words,
                    place(dockerfile.path, instruction.line),
                    "warning",
                    (Evidence("ENV", f"{NAME}={written}", f"{dockerfile.path}:{instruction.line}"),),
                    fix=Fix("Write it so", (better,)),
                )


def _first(value: str) -> str:
    parts = [
        part
        for part in value.split(":")
        if part and not part.startswith(f"${NAME}") and f"{{{NAME}" not in part
    ]
    return ":".join(parts) or "/opt/x/lib"
