"""The NVIDIA Container Toolkit's /etc/nvidia-container-runtime/config.toml.

A sample:

    [nvidia-container-cli]
    ldconfig = "@/sbin/ldconfig.real"
    no-cgroups = false
    root = "/run/nvidia/driver"
    [nvidia-container-runtime]
    mode = "auto"
"""

from __future__ import annotations

from gpudoctor.codec import toml_loads
from gpudoctor.facts.record import Record


class ToolkitConfig(Record):
    """Empty strings and None where the file says nothing. `ldconfig` without the @ that means "the host's"."""

    no_cgroups: bool | None = None
    root: str = ""
    ldconfig: str = ""
    mode: str = ""


def parse(text: str) -> ToolkitConfig:
    """Raises ValueError with line and column, or naming the key whose type is wrong."""
    data = toml_loads(text)
    cli = data.get("nvidia-container-cli", {})
    runtime = data.get("nvidia-container-runtime", {})
    if not isinstance(cli, dict) or not isinstance(runtime, dict):
        raise ValueError("nvidia-container-cli and nvidia-container-runtime must be tables")
    no_cgroups = cli.get("no-cgroups")
    if no_cgroups is not None and not isinstance(no_cgroups, bool):
        raise ValueError("no-cgroups must be true or false")
    texts = []
    for table, key in ((cli, "root"), (cli, "ldconfig"), (runtime, "mode")):
        value = table.get(key, "")
        if not isinstance(value, str):
            raise ValueError(f"{key} must be a string")
        texts.append(value)
    return ToolkitConfig(no_cgroups, texts[0], texts[1].removeprefix("@"), texts[2])
