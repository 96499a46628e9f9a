"""What the package manager has installed of the driver, and what it changed since the machine was started."""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.facts.driver import Package, PackageChange
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import packages as package_records
from gpudoctor.probes import host
from gpudoctor.system import loader
from gpudoctor.system.port import Port, exists, names, observe


def installed(port: Port) -> Observed[tuple[Package, ...]]:
    status = "/var/lib/dpkg/status"
    dpkg = observe(lambda: package_records.dpkg_status(port.read(status, 64 << 20)), status)
    if not isinstance(dpkg, Absent):
        return dpkg
    local = "/var/lib/pacman/local"
    pacman = observe(lambda: package_records.pacman_local(port.listdir(local)), local)
    if not isinstance(pacman, Absent):
        return pacman
    for database in ("/usr/lib/sysimage/rpm", "/var/lib/rpm"):
        if names(port, database):
            return _rpm(port, database)
    return Absent(f"{status}, {local}, /var/lib/rpm")


def _rpm(port: Port, database: str) -> Observed[tuple[Package, ...]]:
    """rpm's database is rpm's to read, and that takes a while: it is asked where there is a driver to speak of."""
    if not port.live:
        return Unknown(f"{database}: the rpm database is read by rpm alone, which is not run here")
    if not exists(port, "/sys/module/nvidia") and not loader.find(port, "libcuda.so.1"):
        return Unknown("rpm was not asked: no driver library and no module in memory")
    command = ("rpm", "-qa", "--qf", r"%{NAME}\t%{VERSION}-%{RELEASE}\n", "*nvidia*", "cuda-drivers*")

    def ask() -> tuple[Package, ...]:
        ran = port.run(command, 5.0)
        if ran.code != 0:
            raise ValueError(ran.stderr.strip()[:200] or "it failed")
        return package_records.rpm_list(ran.stdout)

    return observe(ask, "rpm -qa")


def changed(port: Port) -> Observed[tuple[PackageChange, ...]]:
    booted = host.boot_time(port)
    if not isinstance(booted, Known):
        return Unknown("when the machine was started is not known")

    def ask(path: str, parse: Callable[[str, float], tuple[PackageChange, ...]]) -> tuple[PackageChange, ...]:
        older = observe(lambda: host.tail(port, path + ".1"), path)
        said = host.tail(port, path)
        before = parse(older.value, booted.value) if isinstance(older, Known) else ()
        return before + parse(said, booted.value)

    dpkg = observe(lambda: ask("/var/log/dpkg.log", package_records.dpkg_log), "/var/log/dpkg.log")
    if not isinstance(dpkg, Absent):
        return dpkg
    return observe(lambda: ask("/var/log/pacman.log", package_records.pacman_log), "/var/log/pacman.log")
