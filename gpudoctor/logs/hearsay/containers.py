"""The container engine of a text, as `docker info` shows it, and the NVIDIA Container Toolkit beside it."""

from __future__ import annotations

import re

from gpudoctor.facts.containers import Containers, ContainerToolkit, Engine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

VIA = "the text"
NOT_TOLD = Unknown("the text does not tell it")
CAUSES = ("container-docker-snap-or-desktop", "container-toolkit-missing", "container-runtime-not-registered")
_NO_TOOLKIT = Lazy(
    r"(?:nvidia-ctk|nvidia-container-cli|nvidia-container-runtime)(?:: |'? ?)(?:command not found|not found|No such file)|"
    r"no packages found matching nvidia-container-toolkit|command '?nvidia-ctk'? not found|未找到命令",
    re.I,
)
_TOOLKIT = Lazy(
    r"NVIDIA Container (?:Toolkit CLI|Runtime Hook|Runtime) version (\d+\.\d+\.\d+)|^cli-version: (\d+\.\d+\.\d+)|"
    r"^ii nvidia-container-toolkit(?::\w+)? (\d+\.\d+\.\d+)",
    re.M | re.I,
)


def told(told: Told) -> tuple[Containers, tuple[str, ...]]:
    if not told.has("cgroup driver", "runtimes:", "server version"):
        return Containers(), ()
    from gpudoctor.parsers.docker_text import parse_info

    shown = parse_info(told.text)
    if shown is None:
        return Containers(), ()
    info = shown.info
    flavour = shown.flavour
    if flavour == "unknown" and (shown.context == "desktop-linux" or "/.docker/desktop/" in told.text):
        flavour = "desktop"
    engine = Engine(
        "docker",
        "unix:///var/run/docker.sock",
        f"context {shown.context}" if shown.context else "default",
        "rootful" if flavour == "unknown" else flavour,
        version=_known(info.version),
        answers=Known(True, VIA),
        runtimes=Known(info.runtimes, VIA) if info.runtimes else NOT_TOLD,
        default_runtime=_known(info.default_runtime),
        cgroup_driver=_known(info.cgroup_driver),
        cgroup_version=_known(info.cgroup_version),
        cdi_dirs=Known(info.cdi_dirs, VIA) if info.cdi_dirs else NOT_TOLD,
    )
    return Containers(
        inside=Absent(VIA), engines=Known((engine,), VIA), toolkit=_toolkit(told), cdi=Absent(VIA)
    ), CAUSES


def _known(value: str) -> Observed[str]:
    return Known(value, VIA) if value else NOT_TOLD


def _toolkit(told: Told) -> Observed[ContainerToolkit]:
    version = _TOOLKIT.search(told.text)
    if version:
        found = next(g for g in version.groups() if g)
        return Known(ContainerToolkit({"nvidia-ctk": "nvidia-ctk"}, Known(found, VIA)), VIA)
    return Absent(VIA) if _NO_TOOLKIT.search(told.text) else NOT_TOLD
