"""The running programs by name, scanned once for all who ask."""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.facts.observed import Observed
from gpudoctor.system.port import NotHere, Port, observe


def commands(port: Port) -> Observed[Mapping[int, str]]:
    """Process id -> /proc/<pid>/comm, which holds fifteen characters of the program's name. Where process 1 is missing,
    /proc hides other users' processes (mount option hidepid): a daemon that is not listed may run all the same."""
    return port.memo("processes", lambda: observe(lambda: _scan(port), "/proc/*/comm"))


def _scan(port: Port) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for pid in port.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            found[int(pid)] = port.read(f"/proc/{pid}/comm", 64).decode("utf-8", "replace").strip()
        except NotHere:
            raise
        except OSError:
            continue  # it has ended meanwhile
    return found
