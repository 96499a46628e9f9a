"""Docker's client settings: which daemon does `docker` talk to.

~/.docker/config.json {"currentContext": "desktop-linux"} names a context;
~/.docker/contexts/meta/<hash>/meta.json describes it:

    {"Name": "desktop-linux", "Endpoints": {"docker": {"Host": "unix:///home/u/.docker/desktop/docker.sock"}}}
"""

from __future__ import annotations

import json
from typing import Any


def current(text: str) -> str:
    """The chosen context of config.json; empty when none is. Raises ValueError."""
    value = _object(text).get("currentContext", "")
    return value if isinstance(value, str) else ""


def endpoint(text: str) -> tuple[str, str]:
    """Name and host of a meta.json. Raises ValueError."""
    data = _object(text)
    endpoints = data.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    name = data.get("Name")
    if not isinstance(name, str) or not isinstance(host, str):
        raise ValueError("no name or no docker endpoint")
    return name, host


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data
