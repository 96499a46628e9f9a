"""The package managers' own records: which packages of the driver are there, and what changed when.

A stanza of /var/lib/dpkg/status, and lines of dpkg.log and pacman.log:

    Package: nvidia-driver-550
    Status: install ok installed
    Version: 550.163.01-0ubuntu0.22.04.1

    2026-11-20 06:12:33 upgrade nvidia-driver-550:amd64 550.54.14-0ubuntu1 550.163.01-0ubuntu1
    [2026-11-20T06:12:33+0000] [ALPM] upgraded nvidia-utils (580.95.05-1 -> 580.105.08-1)
"""

from __future__ import annotations

import re
import time

from gpudoctor.facts.driver import Package, PackageChange

#: Names that belong to a driver: NVIDIA's, Debian's (libcuda1), and the kernel's packages with prebuilt modules.
_OURS = re.compile(r"nvidia|^cuda-drivers|^libcuda1|^cuda-compat|^libnvsdm|^xserver-xorg-video-nvidia")

#: The first line of a stanza that may be one of ours.
_DPKG_NAMES = re.compile(rb"\nPackage:[^\n]*(?:nvidia|cuda|nvsdm)")


def is_driver_package(name: str) -> bool:
    return _OURS.search(name) is not None


def dpkg_status(data: bytes) -> tuple[Package, ...]:
    """Packages of the driver with any state but "not-installed". Stanzas that are no stanza are passed over."""
    found = []
    # By the names alone: a status file has thousands of stanzas, and decoding them is what takes time.
    data = b"\n" + data
    for match in _DPKG_NAMES.finditer(data):
        end = data.find(b"\n\n", match.end())
        stanza = data[match.start() + 1 : end if end >= 0 else None]
        fields: dict[str, str] = {}
        for line in stanza.decode("utf-8", "replace").splitlines():
            name, colon, value = line.partition(":")
            if colon and not name.startswith(" "):
                fields.setdefault(name, value.strip())
        name, state = fields.get("Package", ""), fields.get("Status", "").split()
        if is_driver_package(name) and len(state) == 3 and state[2] != "not-installed":
            found.append(Package(name, fields.get("Version", ""), state[2], "dpkg"))
    return tuple(found)


def dpkg_held(data: bytes) -> tuple[str, ...]:
    """Names of packages that are held ("Status: hold ok installed"): apt does not upgrade them.

    >>> dpkg_held(b"Package: nvidia-driver-550\\nStatus: hold ok installed\\n")
    ('nvidia-driver-550',)
    """
    found = []
    for match in re.finditer(rb"(?m)^Status: hold ", data):
        start = data.rfind(b"\n\n", 0, match.start()) + 1
        name = re.search(rb"(?m)^Package: (\S+)", data[start : match.start()])
        if name is not None:
            found.append(name[1].decode("utf-8", "replace"))
    return tuple(found)


def pacman_local(names: list[str]) -> tuple[Package, ...]:
    """/var/lib/pacman/local: one folder a package, "nvidia-utils-580.105.08-1"."""
    found = []
    for folder in names:
        parts = folder.rsplit("-", 2)
        if len(parts) == 3 and is_driver_package(parts[0]):
            found.append(Package(parts[0], f"{parts[1]}-{parts[2]}", "installed", "pacman"))
    return tuple(found)


def rpm_list(text: str) -> tuple[Package, ...]:
    """Lines "name<tab>version-release" of `rpm -qa --qf`."""
    found = []
    for line in text.splitlines():
        name, tab, version = line.partition("\t")
        if tab and is_driver_package(name):
            found.append(Package(name, version, "installed", "rpm"))
    return tuple(found)


def dpkg_log(text: str, since: float) -> tuple[PackageChange, ...]:
    """Installs, upgrades and removals of driver packages after `since` (seconds since the epoch; local time)."""
    found = []
    for line in text.splitlines():
        if "nvidia" not in line and "cuda" not in line:
            continue
        words = line.split()
        if len(words) < 6 or words[2] not in ("install", "upgrade", "remove", "purge"):
            continue
        name, when = words[3].partition(":")[0], _local(words[0], words[1])
        if when is not None and when >= since and is_driver_package(name):
            old, new = ("" if w == "<none>" else w for w in words[4:6])
            found.append(PackageChange(when, words[2], name, old, new))
    return tuple(found)


def pacman_log(text: str, since: float) -> tuple[PackageChange, ...]:
    found = []
    pattern = r"\[(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d)?)([+-]\d{4})\] \[ALPM\] (installed|upgraded|removed) (\S+) \(([^)]*)\)"
    for match in re.finditer(pattern, text):
        if not is_driver_package(match[5]):
            continue
        when = _utc(match[1], match[2], match[3])
        if when is not None and when >= since:
            old, arrow, new = match[6].partition(" -> ")
            old, new = (old, new) if arrow else ("", old) if match[4] == "installed" else (old, "")
            found.append(PackageChange(when, match[4], match[5], old, new))
    return tuple(found)


def _parts(day: str, clock: str) -> tuple[int, ...] | None:
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)(?::(\d\d))?", f"{day} {clock}")
    return tuple(int(part or 0) for part in match.groups()) if match else None


def _local(day: str, clock: str) -> float | None:
    parts = _parts(day, clock)
    if parts is None:
        return None
    try:
        return time.mktime((*parts, 0, 0, -1))  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return None


def _utc(day: str, clock: str, zone: str) -> float | None:
    import calendar

    parts = _parts(day, clock)
    if parts is None:
        return None
    shift = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60
    return calendar.timegm((*parts, 0, 0, 0)) - (shift if zone[0] == "+" else -shift)
