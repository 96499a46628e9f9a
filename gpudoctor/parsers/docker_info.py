"""A Docker daemon's answer to GET /info (Podman's has the same form).

A sample, shortened:

    {"ServerVersion": "28.5.2", "Runtimes": {"nvidia": {"path": "nvidia-container-runtime"}, "runc": {"path": "runc"}},
     "DefaultRuntime": "runc", "CgroupDriver": "systemd", "CgroupVersion": "2", "CDISpecDirs": ["/etc/cdi"],
     "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"], "OperatingSystem": "Ubuntu 22.04.5 LTS"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpudoctor.facts.record import Record


class DaemonInfo(Record):
    """Empty where the daemon says nothing, or something of another type."""

    version: str = ""
    system: str = ""
    runtimes: tuple[str, ...] = ()
    default_runtime: str = ""
    cgroup_driver: str = ""
    cgroup_version: str = ""
    cdi_dirs: tuple[str, ...] = ()
    rootless: bool = False


def parse(answer: Mapping[str, Any]) -> DaemonInfo:
    runtimes = answer.get("Runtimes")
    return DaemonInfo(
        _text(answer, "ServerVersion"),
        _text(answer, "OperatingSystem"),
        tuple(sorted(runtimes)) if isinstance(runtimes, dict) else (),
        _text(answer, "DefaultRuntime"),
        _text(answer, "CgroupDriver"),
        _text(answer, "CgroupVersion"),
        _texts(answer, "CDISpecDirs"),
        any(option.startswith("name=rootless") for option in _texts(answer, "SecurityOptions")),
    )


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""


def _texts(answer: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = answer.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
