"""WSL: a Linux whose GPU is Windows'."""

from __future__ import annotations

from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent


def not_applicable(host: Host) -> str:
    return "not on WSL" if isinstance(host.wsl, Absent) else ""
