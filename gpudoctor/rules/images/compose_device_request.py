"""A compose file asks for GPUs in a way that compose refuses or ignores

What it is: A device request of a service has the wrong shape: no `capabilities`, or none that is "gpu"; `count` and `device_ids` both;
devices under `limits`, or not as a list; a count that is no number and not "all".

Why it hurts: `docker compose up` ends with "capabilities is required" or "additional properties are not allowed"; or the container starts without a GPU.

How to tell: deploy.resources.reservations.devices of each service, and `gpus`.

How to fix: deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}; from compose 2.30 on
`gpus: all` says the same. `docker compose config` checks the whole file.

Sources: https://docs.docker.com/compose/how-tos/gpu-support/
https://docs.docker.com/reference/compose-file/deploy/#devices
https://docs.docker.com/reference/compose-file/services/#gpus
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.facts.recipe import Reservation, Service
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import place, the_compose

RIGHT = "devices: [{driver: nvidia, count: all, capabilities: [gpu]}]"


def check(image: Image) -> Iterator[Problem]:
    compose = the_compose(image)
    for service in compose.services:
        for line, words in (*service.problems, *_gpus(service)):
            yield _problem(compose.path, line, service.name, words, "")
        for request in service.reservations:
            for words in _wrong(request):
                yield _problem(compose.path, request.line, service.name, words, ", ".join(request.keys))


def _gpus(service: Service) -> Iterator[tuple[int, str]]:
    if service.gpus and service.gpus != "all" and not service.gpus.isdigit():
        line = service.lines.get("gpus", service.line)
        yield line, f"gpus: {service.gpus} is neither all nor a list of device requests"


def _wrong(request: Reservation) -> Iterator[str]:
    gpus_list = request.place.startswith("gpus")
    if "capabilities" not in request.keys and not gpus_list:
        yield "a device request without capabilities"
    elif (
        request.capabilities
        and not {"gpu", "nvidia"} & set(request.capabilities)
        and not gpus_list
        and request.driver in ("", "nvidia")
    ):
        yield f"capabilities [{', '.join(request.capabilities)}] without gpu"
    if request.count and request.ids:
        yield "count and device_ids exclude each other"
    if (
        request.count
        and request.count != "all"
        and not request.count.lstrip("-").isdigit()
        and "$" not in request.count
    ):
        yield f"count: {request.count} is neither a number nor all"


def _problem(path: str, line: int, service: str, words: str, keys: str) -> Problem:
    evidence = [Evidence("service", service, f"{path}:{line}")]
    if keys:
        evidence.append(Evidence("keys", keys, f"{path}:{line}"))
    return Problem(
        words, place(path, line), evidence=tuple(evidence), fix=Fix(f"Under resources.reservations: {RIGHT}")
    )
