"""The image's demands on the driver are turned off

What it is: NVIDIA_DISABLE_REQUIRE=true makes the container toolkit ignore NVIDIA_REQUIRE_CUDA and its like. It is spelled
without an S at the end.

Why it hurts: A container starts on a driver that its image was not made for, and what fails later no longer says why.

How to tell: NVIDIA_DISABLE_REQUIRE in the variables of the container's first process.

How to fix: Take it out again once the driver fulfils the demand.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html#constraints
https://github.com/NVIDIA/nvidia-container-toolkit/issues/152
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.findings import Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import the_container
from gpudoctor.rules.judging import need_or


def check(containers: Containers) -> Iterator[Problem]:
    inside = the_container(containers)
    value = need_or(inside.disable_require, "NVIDIA_DISABLE_REQUIRE", "")
    if value.strip().lower() not in ("true", "1"):
        return
    yield Problem(
        f"NVIDIA_DISABLE_REQUIRE={value}: nobody checks whether the driver fits this image",
        Subject("variable", "NVIDIA_DISABLE_REQUIRE", "NVIDIA_DISABLE_REQUIRE"),
        "note",
        (
            seen("NVIDIA_DISABLE_REQUIRE", inside.disable_require),
            seen("NVIDIA_REQUIRE_CUDA", inside.require_cuda),
            Evidence("container", inside.kind, inside.evidence),
        ),
        fix=Fix("Start the container without NVIDIA_DISABLE_REQUIRE once the driver fulfils the demand"),
    )
