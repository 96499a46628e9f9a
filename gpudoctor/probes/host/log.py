"""The kernel log: what it says of GPUs, from whichever place may be read."""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, first_known, value_of
from gpudoctor.probes.host import boot_time, tail
from gpudoctor.system.port import Port, exists, observe, text

#: /dev/kmsg holds at most the kernel's ring buffer, some megabytes at most.
KMSG_LIMIT = 16 << 20
KERN_LOG = "/var/log/kern.log"


def events(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    """/dev/kmsg, else the end of kern.log (the group adm may read it), else the journal, which adm and systemd-journal may
    read. /var/log/dmesg is what the machine said while it started, nothing later: it counts for another root alone."""
    from gpudoctor.parsers.kernel_log import parse_kmsg

    def kmsg() -> tuple[KernelEvent, ...]:
        if port.live and port.stat("/dev/kmsg").kind != "char":
            raise FileNotFoundError  # a container's /dev/kmsg is often /dev/null or /dev/console
        said = text(port, "/dev/kmsg", KMSG_LIMIT)
        if port.live and not said:
            raise FileNotFoundError
        return parse_kmsg(said)

    witnesses: list[Callable[[], Observed[tuple[KernelEvent, ...]]]] = [
        lambda: observe(kmsg, "/dev/kmsg"),
        lambda: _kern_log(port),
        lambda: _journal(port) if port.live else _log_file(port, "/var/log/dmesg"),
    ]
    tried: list[Observed[tuple[KernelEvent, ...]]] = []
    for witness in witnesses:
        tried.append(witness())
        if isinstance(tried[-1], Known):
            return tried[-1]
    refused = next((t for t in tried if isinstance(t, Unknown) and t.would_help), None)
    return refused or first_known(*tried)


def _kern_log(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    """With what was rotated away since the kernel started: a server runs for longer than a week. A file that nobody wrote to
    since then (rsyslog is gone) is another kernel's."""
    from gpudoctor.parsers.kernel_log import parse_text, starts

    def ask() -> tuple[KernelEvent, ...]:
        booted = boot_time(port)
        if port.live and isinstance(booted, Known) and port.stat(KERN_LOG).mtime < booted.value:
            raise FileNotFoundError
        said = tail(port, KERN_LOG)
        if not starts(said):
            older = observe(lambda: tail(port, f"{KERN_LOG}.1"), f"{KERN_LOG}.1")
            said = older.value + said if isinstance(older, Known) else said
        return parse_text(said)

    return observe(ask, KERN_LOG)


def _log_file(port: Port, path: str) -> Observed[tuple[KernelEvent, ...]]:
    from gpudoctor.parsers.kernel_log import parse_text

    return observe(lambda: parse_text(tail(port, path)), path)


def _journal(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    from gpudoctor.parsers.kernel_log import parse_text
    from gpudoctor.system.port import which

    program = which(port, "journalctl") if _worth_asking(port) else None
    if program is None:
        return Absent("journalctl")
    command = (
        program,
        "--dmesg",
        "--boot",
        "--no-pager",
        "--quiet",
        "--lines=20000",
        "--output=short-monotonic",
    )

    def ask() -> tuple[KernelEvent, ...]:
        ran = port.run(command, 3.0)
        if ran.code != 0 or not ran.stdout:
            raise PermissionError("journalctl shows nothing of the kernel")
        return parse_text(ran.stdout)

    return observe(ask, "journalctl --dmesg")


def _worth_asking(port: Port) -> bool:
    """Starting a program is for machines with something to ask about: NVIDIA's module in memory, or a GPU on the bus that
    waits for it."""
    from gpudoctor.probes import pci

    if exists(port, "/sys/module/nvidia"):
        return True
    return any(d.vendor == pci.NVIDIA and d.is_display for d in value_of(pci.devices(port), ()))
