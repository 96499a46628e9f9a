"""The container engine of a text, as `docker info` or `docker version` shows it, the NVIDIA Container Toolkit beside it, and the
devices of `nvidia-ctk cdi list`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpudoctor.facts.containers import CdiSpec, Containers, ContainerToolkit, Engine
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
    if not told.has("cgroup driver", "runtimes:", "server version", "api version:"):
        return Containers(), ()
    from gpudoctor.parsers.docker_text import cdi_list, parse_info, parse_version

    shown = parse_info(told.text) or parse_version(told.text)
    if shown is None:
        return Containers(), ()
    devices = cdi_list(told.text)
    info = shown.info
    flavour = shown.flavour
    if flavour == "unknown" and (shown.context == "desktop-linux" or "/.docker/desktop/" in told.text):
        flavour = "desktop"
    written = _file_runtimes(told)
    engine = Engine(
        "docker",
        "unix:///var/run/docker.sock",
        f"context {shown.context}" if shown.context else "default",
        "rootful" if flavour == "unknown" else flavour,
        version=_known(info.version),
        answers=Known(True, VIA),
        runtimes=Known(info.runtimes, VIA) if info.runtimes else NOT_TOLD,
        file_runtimes=written,
        default_runtime=_known(info.default_runtime),
        cgroup_driver=_known(info.cgroup_driver),
        cgroup_version=_known(info.cgroup_version),
        cdi_dirs=Known(info.cdi_dirs, VIA) if info.cdi_dirs else NOT_TOLD,
    )
    return Containers(
        inside=Absent(VIA),
        engines=Known((engine,), VIA),
        toolkit=_toolkit(told, written),
        cdi=Known((CdiSpec("nvidia-ctk cdi list", devices=devices),), VIA) if devices else Absent(VIA),
    ), CAUSES


def _known(value: str) -> Observed[str]:
    return Known(value, VIA) if value else NOT_TOLD


def _file_runtimes(told: Told) -> Observed[Mapping[str, str]]:
    """The runtimes of a daemon.json that is shown beside."""
    shown = re.search(r"daemon\.json[^\n{]{0,60}\n(\{[\s\S]{2,3000}?\n\}(?=\n[^,\]}]|\s*$))", told.text)
    if shown is None:
        return NOT_TOLD
    import json

    try:
        found = json.loads(shown[1])
    except ValueError:
        return NOT_TOLD
    runtimes = found.get("runtimes") if isinstance(found, dict) else None
    if not isinstance(runtimes, dict):
        return Known({}, VIA)
    return Known(
        {str(k): str(v.get("path", "")) if isinstance(v, dict) else "" for k, v in runtimes.items()}, VIA
    )


def _toolkit(told: Told, written: Observed[Mapping[str, str]]) -> Observed[ContainerToolkit]:
    version = _TOOLKIT.search(told.text)
    if version:
        found = next(g for g in version.groups() if g)
        return Known(ContainerToolkit({"nvidia-ctk": "nvidia-ctk"}, Known(found, VIA)), VIA)
    if _NO_TOOLKIT.search(told.text):
        return Absent(VIA)
    if isinstance(written, Known) and any("nvidia" in name for name in written.value):
        return Known(ContainerToolkit({"nvidia-container-runtime": "nvidia-container-runtime"}), VIA)
    return NOT_TOLD
