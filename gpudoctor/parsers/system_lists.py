"""What the system's own programs list: `lspci -k`, `lsmod`, `dkms status`, `ldconfig -p`, `mokutil --sb-state`.

    01:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [GeForce RTX 4090] [10de:2684] (rev a1)
            Kernel driver in use: nouveau
            Kernel modules: nvidiafb, nouveau, nvidia_drm, nvidia

    Module                  Size  Used by
    nvidia              56807424  1234 nvidia_uvm,nvidia_modeset

    nvidia/550.163.01, 6.8.0-51-generic, x86_64: installed       (dkms 3; before: "nvidia, 525.60.11, 5.15.0-56-generic, ...")

    1234 libs found in cache `/etc/ld.so.cache'
            libcuda.so.1 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcuda.so.1

    SecureBoot enabled

Blanks may be one or many.
"""

from __future__ import annotations

import re

from gpudoctor.facts.host import DkmsBuild
from gpudoctor.facts.record import Record

_SLOT = re.compile(
    r"^\s*(?P<address>(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) (?P<class>[A-Z][\w /&-]{3,50}?)(?: \[(?P<code>[0-9a-f]{4})\])?: (?P<name>\S.*)$"
)
_CLASSES = {
    "vga compatible controller": 0x030000,
    "3d controller": 0x030200,
    "display controller": 0x038000,
    "bridge": 0x068000,
}
_VENDORS = (
    ("nvidia", 0x10DE),
    ("advanced micro", 0x1002),
    ("amd/ati", 0x1002),
    ("intel", 0x8086),
    ("vmware", 0x15AD),
    ("red hat", 0x1AF4),
)
_LIBRARY = re.compile(r"^\s*(?P<name>lib[\w+.-]+\.so[\d.]*) \([^)]*\) => (?P<path>/\S+)", re.M)
_CACHE = re.compile(r"^\s*\d+ libs found in (?:the )?cache", re.M)
_DKMS = re.compile(
    r"^\s*(?P<module>nvidia[\w-]*)(?:/|, )(?P<version>\d[\w.~+-]*)(?:, (?P<kernel>[\w.+~-]+))?(?:, (?:x86_64|aarch64|ppc64le|amd64|arm64))?: (?P<state>added|built|installed|broken)\b(?P<rest>.*)$",
    re.M,
)


class Slot(Record):
    """A device as lspci shows it. `driver`: in use, "" where the line is not there; `modules`: those that claim it;
    `detailed`: lspci was asked for drivers (-k, -v), so that no driver in use means that none is bound."""

    address: str
    vendor: int
    device: int
    class_code: int
    name: str
    driver: str = ""
    modules: tuple[str, ...] = ()
    detailed: bool = False


def lspci(text: str) -> tuple[Slot, ...]:
    """The display devices, and NVIDIA's others. Other devices are passed over; their lines end a block."""
    found: list[Slot] = []
    current: Slot | None = None
    for line in text.splitlines():
        slot = _SLOT.match(line)
        if slot:
            current = _slot(slot)
            if current is not None:
                found.append(current)
            continue
        if current is None:
            continue
        key, colon, value = line.strip().partition(": ")
        if not colon:
            continue
        if key == "Kernel driver in use":
            current = current.replace(driver=value.strip(), detailed=True)
        elif key == "Kernel modules":
            current = current.replace(modules=tuple(v.strip() for v in value.split(",")), detailed=True)
        elif key in ("Subsystem", "DeviceName"):
            current = current.replace(detailed=True)
        found[-1] = current
    return tuple(found)


def _slot(match: re.Match[str]) -> Slot | None:
    code = int(match["code"], 16) << 8 if match["code"] else _CLASSES.get(match["class"].lower(), 0)
    low = match["name"].lower()
    vendor = next((number for word, number in _VENDORS if word in low), 0)
    ids = re.search(r"\[([0-9a-f]{4}):([0-9a-f]{4})\]", match["name"])
    if ids:
        vendor = int(ids[1], 16)
    if code >> 16 != 0x03 and vendor != 0x10DE:
        return None
    address = match["address"] if match["address"].count(":") == 2 else f"0000:{match['address']}"
    return Slot(address, vendor, int(ids[2], 16) if ids else 0, code, match["name"].strip())


def lsmod(text: str) -> tuple[str, ...] | None:
    """Names of loaded modules, or None where no lsmod is shown. Without its header ("lsmod | grep nvidia") only those that
    are there are known: the first name is then ""."""
    header = re.search(r"^\s*Module\s+Size\s+Used by\s*$", text, re.M)
    names = re.findall(r"^\s*([a-z][\w]{1,40})\s+\d{4,9}\s+-?\d{1,4}(?:\s+[\w,]+)?\s*$", text, re.M)
    if header is None:
        return (
            ("", *names)
            if names and any(n.startswith(("nvidia", "nouveau", "nova")) for n in names)
            else None
        )
    return tuple(names)


def dkms_status(text: str) -> tuple[DkmsBuild, ...]:
    found = []
    for match in _DKMS.finditer(text):
        state = match["state"]
        if state == "broken":
            found.append(
                DkmsBuild(
                    match["module"], match["version"], match["kernel"] or "", "failed", match["rest"].strip()
                )
            )
        else:
            found.append(
                DkmsBuild(
                    match["module"],
                    match["version"],
                    match["kernel"] or "",
                    "installed" if state == "installed" else "built" if state == "built" else "added",
                    match["rest"].strip(),
                )
            )
    return tuple(found)


def ldconfig(text: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    """((soname, path), ...) in the cache's order, and whether the whole cache is shown (its header is there)."""
    return tuple((m["name"], m["path"]) for m in _LIBRARY.finditer(text)), _CACHE.search(text) is not None


def secure_boot(text: str) -> bool | None:
    match = re.search(r"^\s*SecureBoot (enabled|disabled)\b", text, re.M)
    return None if match is None else match[1] == "enabled"
