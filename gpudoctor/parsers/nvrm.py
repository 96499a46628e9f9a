"""/proc/driver/nvidia: the driver's own words about itself.

NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025
GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04)

The open flavour says "NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  (dvs-builder@...)".
"""

from __future__ import annotations

import re

from gpudoctor.facts.driver import Flavour, LoadedModule
from gpudoctor.facts.observed import Known, Observed, Unknown


def version(text: str) -> LoadedModule:
    """/proc/driver/nvidia/version. Raises ValueError."""
    match = re.search(r"^NVRM version:.*?\s(\d{2,4}\.\d+(?:\.\d+)?)(?:\s|$)", text, re.M)
    if match is None:
        raise ValueError("no NVRM version line")
    return LoadedModule(match[1], flavour(text))


def flavour(text: str) -> Observed[Flavour]:
    via = "/proc/driver/nvidia/version"
    if "Open Kernel Module" in text:
        return Known("open", via)
    if re.search(r"NVIDIA UNIX \S+ Kernel Module", text):
        return Known("proprietary", via)
    return Unknown(f"{via}: neither flavour's wording")


def flavour_of_license(license_: str) -> Flavour | None:
    return {"NVIDIA": "proprietary", "Dual MIT/GPL": "open"}.get(license_)  # type: ignore[return-value]


def parameters(text: str) -> dict[str, str]:
    """/proc/driver/nvidia/params: "DeviceFileMode: 438". Raises ValueError when no line is like that."""
    found = {}
    for line in text.splitlines():
        name, colon, value = line.partition(": ")
        if colon and re.fullmatch(r"\w+", name):
            found[name] = value.strip().strip('"')
    if not found:
        raise ValueError("no parameters")
    return found
