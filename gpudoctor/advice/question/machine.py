"""Where the what-if takes place: operating system, architecture, GPUs and their driver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor.advice import names
from gpudoctor.advice.question import Question, bad

_SYSTEMS = {
    "linux": "Linux", "windows": "Windows", "win": "Windows", "win32": "Windows", "win64": "Windows", "wsl": "WSL2",
    "wsl2": "WSL2", "macos": "Darwin", "darwin": "Darwin", "mac": "Darwin", "osx": "Darwin",
}  # fmt: skip
_MACHINES = {
    "x86_64": "x86_64", "amd64": "x86_64", "x64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64",
    "arm": "aarch64", "sbsa": "aarch64", "ppc64le": "ppc64le",
}  # fmt: skip
_BRANDS = {
    "geforce": "geforce", "tesla": "tesla", "datacenter": "tesla", 
    "quadro": "quadro", "rtx": "nvidiartx", "nvidiartx": "nvidiartx", "quadrortx": "quadrortx", "titan": "titan",
    "titanrtx": "titanrtx", "geforcertx": "geforcertx", "nvidia": "nvidia", "grid": "grid", "unknown": "unknown",
}  # fmt: skip


def machine(asked: Question, values: Mapping[str, Any]) -> Question:
    system = values.get("os", "")
    known = _system(system) if system else "Linux"
    machine = values.get("machine", "")
    brand = re.sub(r"[\s_-]", "", values.get("brand", ""))
    for key, text, table in (("machine", machine, _MACHINES), ("brand", brand, _BRANDS)):
        if text and text.lower() not in table:
            raise bad(f"{text!r} is no {key} that is known here", sorted(set(table)), key)
    cards = names.cards(values.get("gpu", ()), values.get("cc", ()))
    driver = values.get("driver", "")
    if driver:
        driver = names.driver(driver)
    return asked.replace(
        system=known,
        machine=_MACHINES[machine.lower()] if machine else "x86_64",
        brand=_BRANDS[brand.lower()] if brand else "",
        cards=cards,
        driver=driver,
    )


def _system(text: str) -> str:
    word = re.split(r"[\s\d-]", text.lower())[0] or text.lower()
    if text.lower() in _SYSTEMS:
        return _SYSTEMS[text.lower()]
    if word in (
        "ubuntu",
        "debian",
        "fedora",
        "rhel",
        "centos",
        "rocky",
        "almalinux",
        "arch",
        "opensuse",
        "sles",
    ):
        return "Linux"
    if word in _SYSTEMS:
        return _SYSTEMS[word]
    raise bad(f"{text!r} is no operating system that is known here", ["linux", "windows", "wsl2"], "os")
