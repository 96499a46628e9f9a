"""modprobe is told not to load the NVIDIA module

What it is: A file in modprobe.d, or the kernel command line, blacklists nvidia itself. Tools that switch a laptop's
graphics (prime-select, bumblebee, optimus-manager, supergfxctl) leave such files, and so do guides for PCI passthrough.

Why it hurts: The module is never loaded at boot, so no GPU is found, although everything is installed.

How to tell: "blacklist nvidia" or "install nvidia /bin/false" below /etc/modprobe.d (or modprobe.blacklist=nvidia in
/proc/cmdline), and no module in memory.

How to fix: Switch with the tool that wrote the file (`sudo prime-select nvidia`), or remove the line, rebuild the
initramfs and reboot.

Sources: https://man7.org/linux/man-pages/man5/modprobe.d.5.html
https://wiki.archlinux.org/title/PRIME
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    files_for_running,
    gpus,
    in_memory,
    initramfs_command,
    native_linux,
)
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = SYMPTOMS

signatures: tuple[Signature | str, ...] = (
    Signature(r"blacklist nvidia\b", 0.85),
    Signature(r"alias nvidia\w* off|install nvidia /bin/(?:false|true)", 0.85),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    native_linux(host)
    gpus(gpu)
    if "nvidia" not in need(driver.blacklisted, "modprobe configuration") or in_memory(driver):
        return
    if not files_for_running(host, driver):
        return  # it could not be loaded anyhow: another cause
    commands = (
        "grep -rn 'nvidia' /etc/modprobe.d /usr/lib/modprobe.d /proc/cmdline",
        initramfs_command(host),
    )
    yield Problem(
        "The NVIDIA module is blacklisted, so it is not loaded",
        evidence=(
            Evidence("blacklisted", "nvidia", getattr(driver.blacklisted, "via", "")),
            seen("module in memory", driver.module),
        ),
        fix=Fix(
            "Remove the line that blacklists nvidia, rebuild the initramfs, reboot",
            tuple(c for c in commands if c),
        ),
    )
