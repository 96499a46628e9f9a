"""/proc/<pid>/mountinfo.

A sample, from a Docker container with overlay2:

    612 531 0:55 / / rw,relatime master:240 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/X,upperdir=...
    645 612 259:2 /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01 /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01 ro - ext4 /dev/nvme0n1p2 rw
"""

from __future__ import annotations

import re

from gpudoctor.facts.record import Record


class Mount(Record):
    """`root`: what of the file system is mounted; `point`: where; `options` those of the file system itself."""

    root: str
    point: str
    fstype: str
    source: str
    options: str = ""


def parse(text: str) -> tuple[Mount, ...]:
    """All lines that have the form; others are left out (the kernel writes none)."""
    return tuple(mount for line in text.splitlines() if (mount := _mount(line)) is not None)


def _mount(line: str) -> Mount | None:
    fields = line.split(" ")
    try:
        dash = fields.index("-", 6)
        fstype, source = fields[dash + 1], fields[dash + 2]
    except (ValueError, IndexError):
        return None
    options = fields[dash + 3] if len(fields) > dash + 3 else ""
    return Mount(_plain(fields[3]), _plain(fields[4]), fstype, _plain(source), options)


def _plain(text: str) -> str:
    r"""The kernel writes blanks as \040."""
    if "\\" not in text:
        return text
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
