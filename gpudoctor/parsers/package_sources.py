"""Package sources of apt, dnf and zypper, as far as they name NVIDIA's container tools.

A sample line of each: `deb [signed-by=/x.gpg] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /`,
`URIs: https://nvidia.github.io/libnvidia-container/stable/deb/amd64`,
`baseurl=https://nvidia.github.io/nvidia-docker/centos7/$basearch`.
"""

from __future__ import annotations

import re

_URL = re.compile(r"https?://nvidia\.github\.io/[^\s\]]+")


def nvidia_github(text: str) -> list[tuple[int, str]]:
    """(line, URL) of every source under nvidia.github.io that is not commented out."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith(("#", ";", "gpgkey")) and (match := _URL.search(line)):
            found.append((number, match.group()))
    return found
