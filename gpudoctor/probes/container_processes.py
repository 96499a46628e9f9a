"""The daemons of container engines, by their processes."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Observed, value_of
from gpudoctor.facts.record import Record
from gpudoctor.probes.container_inside import environment_block
from gpudoctor.system.port import Port, observe, text
from gpudoctor.system.processes import commands

DAEMONS = ("dockerd", "containerd", "crio", "k3s-server", "k3s-agent")


class Daemon(Record):
    """`argv` as started; `environ` is root's (or its owner's) to read; `started` in seconds since the epoch;
    `parent` its parent's process id, 0 when that can't be read."""

    pid: int
    name: str
    argv: tuple[str, ...]
    environ: Observed[dict[str, str]]
    started: Observed[float]
    uid: int
    parent: int = 0


def daemons(port: Port) -> tuple[Daemon, ...]:
    found = []
    for pid, name in value_of(commands(port), {}).items():
        if name in DAEMONS:
            try:
                found.append(_daemon(port, pid, name))
            except (OSError, ValueError):
                continue  # it ended while we looked
    return tuple(found)


def _daemon(port: Port, pid: int, name: str) -> Daemon:
    place = f"/proc/{pid}"
    argv = text(port, f"{place}/cmdline").rstrip("\0").split("\0")
    return Daemon(
        pid,
        name,
        tuple(argv),
        observe(lambda: environment_block(port.read(f"{place}/environ")), f"{place}/environ"),
        observe(lambda: _started(port, place), f"{place}/stat"),
        port.stat(place).uid,
        _parent(port, place),
    )


def _parent(port: Port, place: str) -> int:
    try:
        return int(_after_name(port, place)[1])
    except (OSError, ValueError, IndexError):
        return 0


def _after_name(port: Port, place: str) -> list[str]:
    """The fields of stat from the third on; the second, the name, may hold blanks and brackets."""
    return text(port, f"{place}/stat").rpartition(")")[2].split()


def _started(port: Port, place: str) -> float:
    """Field 22 of stat counts clock ticks since boot. When that was, /proc/stat's btime says in whole seconds only; the clock and
    /proc/uptime together say it to the hundredth, which tells what was installed just before a start from what came just after."""
    import os
    import time

    fields = _after_name(port, place)
    if port.live:
        boot = time.time() - float(text(port, "/proc/uptime").split()[0])
    else:
        lines = text(port, "/proc/stat").splitlines()
        boot = next(float(line.split()[1]) for line in lines if line.startswith("btime "))
    return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def known_path(daemon: Daemon) -> Observed[str]:
    """The daemon's PATH: what `nvidia-container-runtime` without a folder resolves on."""
    if not isinstance(daemon.environ, Known):
        return daemon.environ
    return Known(daemon.environ.value.get("PATH", ""), daemon.environ.via)
