"""A service with a GPU image asks for no GPU

What it is: A service of the compose file uses a CUDA image, or sets NVIDIA_VISIBLE_DEVICES, and has neither a device request, nor `gpus`,
nor `runtime: nvidia`.

Why it hurts: Docker gives a container a GPU only when told to. The service starts, and its program finds no driver.

How to tell: The service's image and environment against its device requests. A daemon whose default runtime is nvidia hides the
omission on that one host.

How to fix: deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}, or `gpus: all`.

Sources: https://docs.docker.com/compose/how-tos/gpu-support/
https://docs.docker.com/reference/compose-file/services/#gpus
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.facts.recipe import Service
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.containers._shared import asks_for_gpus
from gpudoctor.rules.images._recipe import kind_of, place, the_compose

DEVICES = "NVIDIA_VISIBLE_DEVICES"


def check(image: Image) -> Iterator[Problem]:
    compose = the_compose(image)
    for service in compose.services:
        reason = _for_gpus(service)
        asked = (
            service.reservations or service.gpus or service.runtime == "nvidia" or "devices" in service.lines
        )
        if not reason or asked:
            continue
        line = service.lines.get("image", service.line)
        yield Problem(
            f"service {service.name} is for GPUs and asks for none",
            place(compose.path, line),
            "warning",
            (Evidence("service", reason, f"{compose.path}:{line}"),),
            fix=Fix(
                "Request them",
                (
                    "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}",
                ),
            ),
        )


def _for_gpus(service: Service) -> str:
    if asks_for_gpus(service.environment.get(DEVICES, "")):
        return f"{DEVICES}={service.environment[DEVICES]}"
    if DEVICES in service.environment:
        return ""  # "none" and "void" are a decision
    return f"image {service.image}" if service.image and kind_of(service.image) == "nvidia" else ""
