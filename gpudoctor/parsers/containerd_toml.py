"""containerd's config.toml, of all three generations. The CRI plugin is `cri`, `io.containerd.grpc.v1.cri` or
`io.containerd.cri.v1.runtime`.

A sample (version 2):

    version = 2
    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "nvidia"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
        BinaryName = "/usr/bin/nvidia-container-runtime"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpudoctor.codec import toml_loads
from gpudoctor.facts.record import Record

CRI = ("cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime")


class ContainerdConfig(Record):
    """`version`: 1 when the file names none (that is how containerd reads it). `runtimes`: name -> BinaryName.
    `systemd_cgroup`: of runc, None when the file does not say."""

    version: int = 1
    cri_disabled: bool = False
    imports: tuple[str, ...] = ()
    runtimes: Mapping[str, str] = {}
    default_runtime: str = ""
    systemd_cgroup: bool | None = None


def parse(text: str) -> ContainerdConfig:
    """Raises ValueError with line and column. Tables of another shape than containerd's are as if not there."""
    data = toml_loads(text)
    version = data.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise ValueError("version is not a number")
    runtimes: dict[str, str] = {}
    default = ""
    systemd: bool | None = None
    for plugin in CRI:
        settings = _table(data, "plugins", plugin, "containerd")
        default = _text(settings.get("default_runtime_name")) or default
        for name in _table(settings, "runtimes"):
            options = _table(settings, "runtimes", name, "options")
            runtimes[name] = _text(options.get("BinaryName"))
            if name == "runc" and isinstance(options.get("SystemdCgroup"), bool):
                systemd = options["SystemdCgroup"]
    disabled = any(name in CRI for name in _list(data, "disabled_plugins"))
    return ContainerdConfig(version, disabled, _list(data, "imports"), runtimes, default, systemd)


def _table(data: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    at: Any = data
    for key in path:
        at = at.get(key) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
