"""A compose file names the nvidia runtime instead of requesting GPUs

What it is: `runtime: nvidia` starts the container with a runtime that has to be registered with that daemon. Device requests and `gpus` need
no registered runtime, work with CDI, and say how many GPUs.

Why it hurts: On a host where only CDI or the hook is set up the service ends with "unknown or invalid runtime name: nvidia"; and where NVIDIA_VISIBLE_DEVICES is
not set, in the image or the service, it starts without a GPU.

How to tell: `runtime` of each service.

How to fix: deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}. On Jetson `runtime: nvidia` is right.

Sources: https://docs.docker.com/compose/how-tos/gpu-support/
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import place, the_compose


def check(image: Image) -> Iterator[Problem]:
    compose = the_compose(image)
    for service in compose.services:
        if service.runtime != "nvidia" or service.reservations or service.gpus:
            continue
        line = service.lines.get("runtime", service.line)
        yield Problem(
            f"service {service.name} names the nvidia runtime, which a host need not have",
            place(compose.path, line),
            "note",
            (Evidence("runtime", service.runtime, f"{compose.path}:{line}"),),
            fix=Fix("Request GPUs instead: devices: [{driver: nvidia, count: all, capabilities: [gpu]}]"),
        )
