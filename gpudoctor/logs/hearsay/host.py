"""The machine of a text: its system, its kernel and what that logged, DKMS, Secure Boot."""

from __future__ import annotations

import re

from gpudoctor.facts.host import Distribution, DkmsBuild, Host, KernelEvent, Wsl
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

VIA = "the text"
NOT_TOLD = Unknown("the text does not tell it")
OF_THE_LOG = (
    "gpu-fell-off-bus",
    "gpu-init-failed",
    "ecc-uncorrectable",
    "xid-119-gsp-timeout",
    "row-remap-failed",
)
_KERNEL = Lazy(
    r"^Linux \S+ (\d+\.\d+\.\d+\S*) #|uname -r\n(\d+\.\d+\.\d+\S*)$|^(?:Running )?Kernel(?: Version)?: (?:Linux )?(\d+\.\d+\.\d+\S*)|"
    r"Linux version (\d+\.\d+\.\d+\S*) \(|(?:Python p|p)latform: Linux-(\d+\.\d+\.\d+\S*?)-(?:x86_64|aarch64)-",
    re.M | re.I,
)
_SYSTEM = Lazy(
    r"(?:PRETTY_NAME=\"?|^OS: |^Operating System: |Distributor ID: ?|Description: ?)(?P<name>(?P<id>Ubuntu|Debian|Fedora|CentOS|Rocky|AlmaLinux|Red Hat|Arch|Manjaro|openSUSE|Pop!_OS|Linux Mint|Kali)[^\n\"]{0,40})",
    re.M | re.I,
)
#: First word of a name -> (os-release's ID, ID_LIKE)
_IDS = {
    "ubuntu": ("ubuntu", ("debian",)),
    "debian": ("debian", ()),
    "pop!_os": ("pop", ("ubuntu", "debian")),
    "linux": ("linuxmint", ("ubuntu", "debian")),
    "kali": ("kali", ("debian",)),
    "fedora": ("fedora", ()),
    "centos": ("centos", ("rhel", "fedora")),
    "rocky": ("rocky", ("rhel", "centos", "fedora")),
    "almalinux": ("almalinux", ("rhel", "centos", "fedora")),
    "red": ("rhel", ("fedora",)),
    "arch": ("arch", ()),
    "manjaro": ("manjaro", ("arch",)),
    "opensuse": ("opensuse", ("suse",)),
}


def told(told: Told) -> tuple[Host, tuple[str, ...]]:
    log, dkms = _kernel_log(told), _dkms(told)
    causes = OF_THE_LOG if isinstance(log, Known) else ()
    return Host(
        system=Known("Windows" if told.windows else "Linux", VIA),
        distribution=_distribution(told),
        kernel=_kernel(told),
        kernel_log=log,
        wsl=Known(Wsl(2), VIA) if told.wsl else Absent(VIA),
        tegra=Known("Jetson", VIA) if told.has("tegra", "jetson", "l4t") else Absent(VIA),
        dkms=dkms,
        secure_boot=_secure_boot(told),
    ), causes


def _kernel(told: Told) -> Observed[str]:
    match = _KERNEL.search(told.text)
    return Known(next(g for g in match.groups() if g), VIA) if match else NOT_TOLD


def _distribution(told: Told) -> Observed[Distribution]:
    match = _SYSTEM.search(told.text)
    if match is None:
        return NOT_TOLD
    name, like = _IDS.get(match["id"].split()[0].lower(), (match["id"].lower(), ()))
    version = re.search(r"\d+(?:\.\d+)?", match["name"])
    return Known(Distribution(name, version[0] if version else "", match["name"].strip(), like), VIA)


def _kernel_log(told: Told) -> Observed[tuple[KernelEvent, ...]]:
    if "nvrm:" not in told.low:
        return Unknown("the text shows no kernel log")
    from gpudoctor.parsers.kernel_log import parse_text

    return Known(parse_text(told.text), VIA)


def _dkms(told: Told) -> Observed[tuple[DkmsBuild, ...]]:
    if "dkms" not in told.low or "nvidia" not in told.low:
        return NOT_TOLD
    from gpudoctor.parsers.system_lists import dkms_status

    found = dkms_status(told.text)
    return Known(found, VIA) if found else NOT_TOLD


def _secure_boot(told: Told) -> Observed[bool]:
    if "secureboot" not in told.low:
        return NOT_TOLD
    from gpudoctor.parsers.system_lists import secure_boot

    said = secure_boot(told.text)
    return NOT_TOLD if said is None else Known(said, VIA)
