"""The machine upgrades the NVIDIA driver by itself, while the old module is in memory

What it is: unattended-upgrades is on, and the driver's packages are neither held nor on its list of packages to leave out. When a
new driver is published, its libraries are replaced some night, and the module in memory stays the old one.

Why it hurts: From that moment nothing works until somebody reboots: nvidia-smi says "Driver/library version mismatch", new
programs find no GPU, and jobs that run for days end at their next start. It is how most such mismatches come about.

How to tell: APT::Periodic::Unattended-Upgrade in /etc/apt/apt.conf.d, its Package-Blacklist, and the packages that dpkg holds.

How to fix: Leave the driver's packages out of unattended upgrades (or hold them with apt-mark), and upgrade the driver by hand
when a reboot can follow.

Sources: https://github.com/canonical/ubuntu-server-documentation/issues/369
https://documentation.ubuntu.com/server/how-to/software/automatic-updates/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import in_memory, native_linux
from gpudoctor.rules.judging import need_or

#: unattended-upgrades matches these from the start of a package's name.
PATTERNS = (
    "cuda-drivers",
    "libcuda",
    "libnvidia-",
    "linux-(modules|objects|signatures)-nvidia-",
    "nvidia-",
    "xserver-xorg-video-nvidia",
)
FILE = "/etc/apt/apt.conf.d/52nvidia-by-hand"
LINE = "Unattended-Upgrade::Package-Blacklist { " + " ".join(f'"{p}";' for p in PATTERNS) + " };"


def check(host: Host, driver: Driver, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    if isinstance(containers.inside, Known):
        raise DoesNotApply("in a container the driver is the host's")
    if not in_memory(driver):
        raise DoesNotApply("no NVIDIA module in memory that an upgrade could part from its libraries")
    names = need_or(driver.unattended, "unattended upgrades", ())
    if not names:
        return
    yield Problem(
        f"The driver is upgraded by itself: {names[0]}"
        + (f" and {len(names) - 1} more packages" if len(names) > 1 else ""),
        severity="note",
        evidence=tuple(
            Evidence("neither held nor left out", name, getattr(driver.unattended, "via", ""))
            for name in names[:8]
        ),
        fix=Fix(
            "Leave the driver's packages out of unattended upgrades, and upgrade it by hand",
            (f"echo '{LINE}' | sudo tee {FILE}",),
            "unsafe",
        ),
    )
