"""Small files of /proc: numbers and tables that the kernel prints."""

from __future__ import annotations

import re

from gpudoctor.facts.host import Limits


def boot_time(stat: str) -> float:
    """/proc/stat: the line "btime 1760000000". Raises ValueError."""
    for line in stat.splitlines():
        if line.startswith("btime "):
            return float(int(line.split()[1]))
    raise ValueError("no btime line")


def limits(text: str) -> Limits:
    """/proc/self/limits: soft limits.

    Max open files            1024                 1048576              files
    Max locked memory         8388608              8388608              bytes
    """
    found = {}
    for line in text.splitlines():
        match = re.match(r"Max (open files|locked memory)\s+(unlimited|\d+)\s", line)
        if match:
            found[match[1]] = -1 if match[2] == "unlimited" else int(match[2])
    return Limits(memlock=found["locked memory"], nofile=found["open files"])


def status_numbers(status: str, field: str) -> tuple[int, ...]:
    """/proc/self/status: the numbers behind "Uid:" (real, effective, saved, file system) or "Groups:"."""
    for line in status.splitlines():
        if line.startswith(field + ":"):
            return tuple(int(word) for word in line.partition(":")[2].split())
    raise ValueError(f"no {field} line")


def module_names(modules: str) -> tuple[str, ...]:
    """/proc/modules: "nvidia_uvm 4931584 0 - Live 0x0000000000000000 (POE)". Raises ValueError for what is not that."""
    names = []
    for line in modules.splitlines():
        words = line.split()
        if len(words) < 3 or not words[1].isdigit():
            raise ValueError(f"no line of /proc/modules: {line[:60]!r}")
        names.append(words[0])
    return tuple(names)


def char_majors(devices: str) -> dict[int, str]:
    """/proc/devices, its part "Character devices:": major -> name ("195 nvidia-frontend", "511 nvidia-uvm")."""
    majors = {}
    for line in devices.partition("Block devices:")[0].splitlines():
        words = line.split(None, 1)
        if len(words) == 2 and words[0].isdigit():
            majors[int(words[0])] = words[1].strip()
    return majors
