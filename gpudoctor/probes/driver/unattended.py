"""Which driver packages the machine upgrades by itself."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Observed
from gpudoctor.parsers import apt_conf
from gpudoctor.parsers import packages as package_records
from gpudoctor.system.port import Port, exists, names, observe, text

FOLDER, PROGRAM, STATUS = "/etc/apt/apt.conf.d", "/usr/bin/unattended-upgrade", "/var/lib/dpkg/status"


def packages(port: Port) -> Observed[tuple[str, ...]]:
    """Installed driver packages that are neither held nor left out."""
    if not exists(port, PROGRAM):
        return Absent(PROGRAM)

    def ask() -> tuple[str, ...]:
        files = [
            f"{FOLDER}/{name}" for name in names(port, FOLDER) if "." not in name or name.endswith(".conf")
        ]
        on, left_out = apt_conf.unattended(text(port, path) for path in files)
        if not on:
            return ()
        data = port.read(STATUS, 64 << 20)
        held = package_records.dpkg_held(data)
        return tuple(
            package.name
            for package in package_records.dpkg_status(data)
            if package.state == "installed"
            and package.name not in held
            and not apt_conf.leaves_out(left_out, package.name)
        )

    return observe(ask, FOLDER)
