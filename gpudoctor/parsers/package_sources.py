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


_APT = re.compile(r"^\s*deb(?:-src)?\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<url>https?://\S+)")
_URIS = re.compile(r"^\s*URIs:\s*(?P<url>https?://\S+)", re.I)
_SIGNED = re.compile(r"^\s*Signed-By:\s*\S", re.I)


def apt_sources(text: str) -> list[tuple[int, str, bool]]:
    """(line, URL, whether it names its key) of every source of apt's that is in use, in either format. In a stanza of
    the newer format the line is that of its URIs.

    >>> apt_sources("deb [signed-by=/k.gpg] https://a.example/x /")
    [(1, 'https://a.example/x', True)]
    """
    found: list[tuple[int, str, bool]] = []
    start, stanza, off = 0, [], False
    for number, line in enumerate([*text.splitlines(), ""], 1):
        one = _APT.match(line)
        if one:
            found.append((number, one["url"], "signed-by=" in (one["options"] or "").lower()))
        elif many := _URIS.match(line):
            stanza.append((number, many["url"]))
        elif _SIGNED.match(line):
            start = number
        elif re.match(r"^\s*Enabled:\s*no\b", line, re.I):
            off = True
        elif not line.strip():
            found += [] if off else [(n, url, bool(start)) for n, url in stanza]
            start, stanza, off = 0, [], False
    return found
