"""How versions are compared here."""

from __future__ import annotations

import re


def release(version: str) -> tuple[int, ...]:
    """Major and minor: (12, 4) of "12.4.1"."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
