"""Compose files, as far as they concern GPUs: images, runtimes, device requests, NVIDIA's variables.

    services:
      train:
        image: nvidia/cuda:12.4.1-base-ubuntu22.04
        deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}

https://docs.docker.com/reference/compose-file/deploy/#devices, https://docs.docker.com/compose/how-tos/gpu-support/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor.codec import yaml_lines, yaml_loads
from gpudoctor.facts.recipe import Compose, Reservation, Service

Path = tuple["str | int", ...]
_INTERPOLATED = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")


def looks_like(text: str) -> bool:
    """A YAML document with services, rather than a Dockerfile."""
    return re.search(r"^services\s*:", text, re.M) is not None


def parse(text: str, path: str = "compose.yaml") -> Compose:
    """Raises ValueError for what is no YAML, or has no services."""
    data = yaml_loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("services"), dict):
        raise ValueError("line 1: there are no services in it")
    lines = yaml_lines(text)
    services = tuple(_service(str(name), one, lines) for name, one in data["services"].items())
    return Compose(path, services, str(data.get("version") or ""), lines.get(("version",), 0))


def _service(name: str, data: Any, lines: Mapping[Path, int]) -> Service:
    at: Path = ("services", name)
    if not isinstance(data, dict):
        return Service(name, lines.get(at, 1), problems=((lines.get(at, 1), "a service is a mapping"),))
    problems: list[tuple[int, str]] = []
    reservations = _devices(data, at, lines, problems)
    gpus = data.get("gpus")
    if isinstance(gpus, list):
        reservations += [_request(d, (*at, "gpus", n), lines, problems) for n, d in enumerate(gpus)]
    return Service(
        name,
        lines.get(at, 1),
        image=_interpolated(str(data.get("image") or "")),
        runtime=str(data.get("runtime") or ""),
        gpus="" if gpus is None or isinstance(gpus, list) else str(gpus),
        builds="build" in data,
        reservations=tuple(reservations),
        environment=_environment(data.get("environment")),
        lines={
            key[2]: line
            for key, line in lines.items()
            if key[:2] == at and len(key) == 3 and isinstance(key[2], str)
        },
        problems=tuple(problems),
    )


def _devices(
    data: Mapping[str, Any], at: Path, lines: Mapping[Path, int], problems: list[tuple[int, str]]
) -> list[Reservation]:
    """`deploy.resources.reservations.devices`; whatever on the way is no mapping is a problem of its own."""
    found: Any = data
    here = at
    for key in ("deploy", "resources"):
        found = found.get(key) if isinstance(found, dict) else None
        here = (*here, key)
    if not isinstance(found, dict):
        return []
    if isinstance(found.get("limits"), dict) and "devices" in found["limits"]:
        problems.append(
            (
                lines.get((*here, "limits", "devices"), 1),
                "devices belong under reservations, not under limits",
            )
        )
    if "devices" in found:
        problems.append((lines.get((*here, "devices"), 1), "devices belong under resources.reservations"))
    reserved = found.get("reservations")
    here = (*here, "reservations", "devices")
    listed = reserved.get("devices") if isinstance(reserved, dict) else None
    if listed is None:
        return []
    if not isinstance(listed, list):
        problems.append((lines.get(here, 1), "devices is a list: a dash belongs before its first key"))
        return []
    return [_request(one, (*here, number), lines, problems) for number, one in enumerate(listed)]


def _request(data: Any, at: Path, lines: Mapping[Path, int], problems: list[tuple[int, str]]) -> Reservation:
    line = lines.get(at, 1)
    if not isinstance(data, dict):
        problems.append((line, "a device request is a mapping"))
        return Reservation(line, ())
    for key in ("capabilities", "device_ids"):
        if key in data and not isinstance(data[key], list):
            problems.append((lines.get((*at, key), line), f"{key} is a list: {key}: [{data[key]}]"))
    return Reservation(
        line,
        tuple(str(key) for key in data),
        str(data.get("driver") or ""),
        _words(data.get("capabilities")),
        "" if data.get("count") is None else str(data["count"]),
        _words(data.get("device_ids")),
        ".".join(str(part) for part in at[2:] if isinstance(part, str)),
    )


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(
            word for one in value for word in (_words(one) if isinstance(one, list) else (str(one),))
        )
    return () if value is None else (str(value),)


def _environment(data: Any) -> dict[str, str]:
    if isinstance(data, dict):
        return {str(k): "" if v is None else _interpolated(str(v)) for k, v in data.items()}
    if isinstance(data, list):
        split = (str(line).partition("=") for line in data)
        return {name: _interpolated(value) for name, _, value in split}
    return {}


def _interpolated(text: str) -> str:
    """Defaults stand for their variables; a variable without one stays as it is written."""
    return _INTERPOLATED.sub(lambda m: m[2] if m[2] is not None else m[0], text)
