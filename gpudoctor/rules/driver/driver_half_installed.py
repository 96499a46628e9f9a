"""A package of the driver is only half installed

What it is: dpkg began to install or upgrade a package of the driver and did not finish: a hook failed (a DKMS build,
mostly), the disk was full, the machine was switched off.

Why it hurts: Parts of two versions may lie side by side, and every further installation stops at this one.

How to tell: The package's state in /var/lib/dpkg/status is unpacked, half-installed, half-configured or triggers-pending.

How to fix: `sudo dpkg --configure -a`, then `sudo apt-get install -f`; read what the failing hook says.

Sources: https://github.com/pop-os/beta/issues/310
https://github.com/Syllo/nvtop/issues/125
https://man7.org/linux/man-pages/man1/dpkg.1.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import family
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = ("driver-library-mismatch",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"dpkg: (?:error processing package|dependency problems).{0,80}(?:nvidia-|libnvidia|cuda-drivers)",
        0.7,
        unless=(r"bad exit status|Bad return status",),
    ),
    Signature(r"Sub-process /usr/bin/dpkg returned an error code", 0.45, needs=(r"nvidia-",)),
    Signature(
        r"(?:nvidia-driver|nvidia-dkms|libnvidia-compute|cuda-drivers)-?\d* : (?:Pre)?Depends: .{0,160}(?:but|is not)",
        0.8,
    ),
)


WELL = ("installed", "config-files")


def check(host: Host, driver: Driver) -> Iterator[Problem]:
    if family(host) not in ("ubuntu", "debian"):
        raise DoesNotApply("only dpkg leaves packages half installed")
    ill = [p for p in need(driver.packages, "packages of the driver") if p.state not in WELL]
    if not ill:
        return
    via = getattr(driver.packages, "via", "")
    yield Problem(
        f"{ill[0].name} is {ill[0].state}" + (f", and {len(ill) - 1} more packages" if len(ill) > 1 else ""),
        severity="warning",
        evidence=tuple(Evidence(p.name, f"{p.version} {p.state}", via) for p in ill[:5]),
        fix=Fix("Finish the installation", ("sudo dpkg --configure -a", "sudo apt-get install -f")),
    )
