"""Container Device Interface specifications, JSON or YAML.

A sample, as `nvidia-ctk cdi generate` writes them (shortened):

    cdiVersion: 0.5.0
    kind: nvidia.com/gpu
    devices:
    - name: all
      containerEdits:
        deviceNodes:
        - path: /dev/nvidia0
    containerEdits:
      mounts:
      - hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01
        containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01
      hooks:
      - hookName: createContainer
        path: /usr/bin/nvidia-cdi-hook
"""

from __future__ import annotations

import re
from typing import Any

from gpudoctor.codec import yaml_loads
from gpudoctor.facts.record import Record

#: A driver library's own version: three digits first, so that the soname's ".so.1" is none.
_DRIVER = re.compile(r"/lib(?:cuda|nvidia-ml|nvidia-ptxjitcompiler)\.so\.(\d{3,}\.\d+(?:\.\d+)*)$")


class CdiDocument(Record):
    """`host_paths`: device nodes, mounts and hooks, as the host spells them, in order and without doubles."""

    version: str
    kind: str
    devices: tuple[str, ...] = ()
    host_paths: tuple[str, ...] = ()
    driver_version: str = ""


def parse(text: str, name: str = "") -> CdiDocument:
    """`name` of the file decides the format (".json"). Raises ValueError with line and column."""
    data = _load(text, name)
    if not isinstance(data, dict):
        raise ValueError("not an object with cdiVersion and kind")
    version, kind = data.get("cdiVersion"), data.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        raise ValueError("cdiVersion or kind is missing")
    devices: list[str] = []
    paths = _paths(data.get("containerEdits"))
    for device in _items(data.get("devices")):
        if not isinstance(device.get("name"), (str, int)):
            raise ValueError("a device without a name")
        devices.append(f"{kind}={device['name']}")
        paths += _paths(device.get("containerEdits"))
    versions = [match.group(1) for path in paths if (match := _DRIVER.search(path))]
    return CdiDocument(
        version, kind, tuple(devices), tuple(dict.fromkeys(paths)), versions[0] if versions else ""
    )


def _load(text: str, name: str) -> Any:
    if not name.endswith(".json"):
        return yaml_loads(text)
    import json

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _paths(edits: Any) -> list[str]:
    if not isinstance(edits, dict):
        return []
    nodes = [node.get("hostPath") or node.get("path") for node in _items(edits.get("deviceNodes"))]
    mounts = [mount.get("hostPath") for mount in _items(edits.get("mounts"))]
    hooks = [hook.get("path") for hook in _items(edits.get("hooks"))]
    return [path for path in (*nodes, *mounts, *hooks) if isinstance(path, str) and path.startswith("/")]
