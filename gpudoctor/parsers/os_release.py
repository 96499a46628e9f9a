"""os-release(5): which distribution this is.

NAME="Ubuntu"
VERSION_ID="22.04"
ID=ubuntu
ID_LIKE=debian
PRETTY_NAME="Ubuntu 22.04.5 LTS"
"""

from __future__ import annotations

from gpudoctor.facts.host import Distribution


def parse(text: str) -> Distribution:
    """Raises ValueError when no line names the distribution."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.replace("_", "").isalnum() and not name.startswith("#"):
            values[name] = _unquoted(value)
    if not values.get("ID"):
        raise ValueError("no ID= line")
    return Distribution(
        values["ID"].lower(),
        values.get("VERSION_ID", ""),
        values.get("PRETTY_NAME") or values.get("NAME") or values["ID"],
        tuple(values.get("ID_LIKE", "").lower().split()),
    )


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value.replace("\\", "") if "\\" in value else value
