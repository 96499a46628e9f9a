"""WSL: a Linux whose GPU is Windows'."""

from __future__ import annotations

from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent

#: Somebody installs Linux's driver, or its half that CUDA loads: with apt, pacman, dnf, or NVIDIA's .run file.
LINUX_DRIVER = (
    r"(?:\b(?:apt(?:-get)?|aptitude|dnf|yum|zypper|pacman|yay|nala)\b[^\n]{0,24}(?:install|-S\w*|in)\b[^\n]{0,60}|"
    r"\binstall(?:ed|ing) (?:the |a |my )?(?:linux )?[`'\"]?(?=nvidia-(?:driver-\d|utils|compute|dkms)|cuda-drivers|libnvidia))"
    r"(?:nvidia-(?:driver|utils|compute-utils|dkms|smi|open)[\w-]*|cuda-drivers\S*|libnvidia-(?:compute|ml)\S*|nvidia-\d{3}\b)|NVIDIA-Linux-x86_64-\S+\.run"
)


def not_applicable(host: Host) -> str:
    return "not on WSL" if isinstance(host.wsl, Absent) else ""
