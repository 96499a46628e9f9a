"""The kernel log: what it says of GPUs, from whichever place may be read."""

from __future__ import annotations

from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, first_known
from gpudoctor.probes.host import tail
from gpudoctor.system.port import Port, exists, observe, text

#: /dev/kmsg holds at most the kernel's ring buffer, some megabytes at most.
KMSG_LIMIT = 16 << 20


def events(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    """/dev/kmsg, else the end of a log file, else journalctl where a GPU's driver is loaded."""
    from gpudoctor.parsers.kernel_log import parse_kmsg

    def kmsg() -> tuple[KernelEvent, ...]:
        if port.live and port.stat("/dev/kmsg").kind != "char":
            raise FileNotFoundError  # a container's /dev/kmsg is often /dev/null or /dev/console
        said = text(port, "/dev/kmsg", KMSG_LIMIT)
        if port.live and not said:
            raise FileNotFoundError
        return parse_kmsg(said)

    tried: list[Observed[tuple[KernelEvent, ...]]] = [observe(kmsg, "/dev/kmsg")]
    for path in ("/var/log/kern.log", "/var/log/dmesg"):
        if isinstance(tried[-1], Known):
            return tried[-1]
        tried.append(_log_file(port, path))
    if isinstance(tried[-1], Known):
        return tried[-1]
    tried.append(_journal(port))
    if isinstance(tried[-1], Known):
        return tried[-1]
    refused = next((t for t in tried if isinstance(t, Unknown) and t.would_help), None)
    return refused or first_known(*tried)


def _log_file(port: Port, path: str) -> Observed[tuple[KernelEvent, ...]]:
    from gpudoctor.parsers.kernel_log import parse_text

    return observe(lambda: parse_text(tail(port, path)), path)


def _journal(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    from gpudoctor.parsers.kernel_log import parse_text
    from gpudoctor.system.port import which

    program = which(port, "journalctl") if port.live and exists(port, "/sys/module/nvidia") else None
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
