"""The driver of a text: its module in memory, its libraries, packages and services."""

from __future__ import annotations

import re
from typing import Literal

from gpudoctor.facts.driver import Driver, DriverLibrary, LoadedModule, ModuleFile, Package, Service
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

VIA = "the text"
NOT_TOLD = Unknown("the text does not tell it")
#: `dpkg -l`: desired and real state, name, version.
_DPKG = Lazy(
    r"^(?P<wish>[uihrp])(?P<state>[ncHUFWti])R? (?P<name>(?:lib)?(?:nvidia|cuda-drivers|xserver-xorg-video-nvidia)[\w.+:-]*) (?P<version>\d\S*)",
    re.M,
)
_STATES = {
    "i": "installed",
    "c": "config-files",
    "U": "unpacked",
    "F": "half-configured",
    "H": "half-installed",
}
_RPM = Lazy(
    r"^(?P<name>(?:kmod-|akmod-|xorg-x11-drv-)?nvidia[a-z-]*)-(?:\d+:)?(?P<version>\d{3}\.\d+(?:\.\d+)?-\S+)$",
    re.M,
)
_UNIT = Lazy(r"nvidia-fabricmanager\.service\b(?P<text>[\s\S]{0,600}?)^ ?Active: (?P<state>\w+)", re.M)
_LIBRARIES = ("libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1", "libcuda.so")


def told(told: Told) -> tuple[Driver, tuple[str, ...]]:
    causes: tuple[str, ...] = ()
    libraries, packages = _libraries(told), _packages(told)
    manager = _fabric_manager(told)
    if isinstance(libraries, Known) and told.wsl:
        causes += ("wsl-linux-driver-installed",)
    if isinstance(packages, Known):
        causes += ("driver-half-installed", *(("wsl-linux-driver-installed",) if told.wsl else ()))
    if isinstance(manager, Known):
        causes += ("nvlink-fabric-manager",)
    return Driver(
        module=_module(told),
        loaded_modules=_loaded(told),
        module_files=_files(told),
        libraries=libraries,
        packages=packages,
        fabric_manager=manager,
    ), causes


def _module(told: Told) -> Observed[LoadedModule]:
    if told.wsl:
        return NOT_TOLD
    names = told.modules
    all_shown = bool(names) and names[0] != ""
    if told.driver_silent or (all_shown and "nvidia" not in names):
        return Absent(VIA)
    if "nvrm version:" in told.low:
        from gpudoctor.parsers.nvrm import version

        try:
            return Known(version(told.text), VIA)
        except ValueError:
            pass
    return Known(LoadedModule(told.driver), VIA) if told.driver else NOT_TOLD


def _loaded(told: Told) -> Observed[tuple[str, ...]]:
    names = told.modules
    if not names:
        return NOT_TOLD
    return Known(tuple(n for n in names if n), VIA)


def _files(told: Told) -> Observed[tuple[ModuleFile, ...]]:
    """`modinfo nvidia` names the file; lspci's "Kernel modules" names what could drive the GPU."""
    path = re.search(
        r"^filename: (?P<path>/(?:usr/)?lib/modules/(?P<kernel>[^/\s]+)/\S*nvidia[\w.-]*\.ko\S*)(?P<rest>[\s\S]{0,400})",
        told.text,
        re.M,
    )
    if path:
        version = re.search(r"^version: (\d{3}\.\S+)$", path["rest"], re.M)
        signed = re.search(r"^(?:sig_id|signer): ", told.text, re.M)
        return Known(
            (
                ModuleFile(
                    path["path"],
                    path["kernel"],
                    Known(version[1], VIA) if version else NOT_TOLD,
                    signed=Known(True, VIA) if signed else NOT_TOLD,
                ),
            ),
            VIA,
        )
    if re.search(
        r"modinfo: ERROR: Module nvidia not found|Module nvidia not found in directory", told.text, re.I
    ):
        return Known((), VIA)
    kernel = re.search(r"uname -r\n(\S+)$", told.text, re.M)
    gpus = [slot for slot in told.slots if slot.vendor == 0x10DE and slot.class_code >> 16 == 3]
    if gpus and any("nvidia" in slot.modules for slot in gpus):
        return Known((ModuleFile("nvidia.ko", kernel[1] if kernel else ""),), VIA)
    if gpus and all(slot.modules for slot in gpus):
        return Known((), VIA)  # lspci lists what could drive it, and nvidia is not among them
    return NOT_TOLD


def _libraries(told: Told) -> Observed[tuple[DriverLibrary, ...]]:
    if " => /" not in told.text:
        gpus = [slot for slot in told.slots if slot.vendor == 0x10DE and slot.modules]
        if gpus and not any("nvidia" in slot.modules for slot in gpus) and not told.driver:
            return Known(
                (), VIA
            )  # without a module on disk no driver is installed whose libraries could matter
        return NOT_TOLD
    from gpudoctor.parsers.system_lists import ldconfig

    shown, whole = ldconfig(told.text)
    mine = tuple(
        DriverLibrary(name, path, path, NOT_TOLD, _origin(path)) for name, path in shown if name in _LIBRARIES
    )
    return Known(mine, VIA) if mine or whole else NOT_TOLD


def _origin(path: str) -> Literal["loader", "wsl", "stub", "compat"]:
    if "/usr/lib/wsl/" in path:
        return "wsl"
    if "/stubs/" in path:
        return "stub"
    return "compat" if "/compat/" in path else "loader"


def _packages(told: Told) -> Observed[tuple[Package, ...]]:
    if "nvidia" not in told.low:
        return NOT_TOLD
    found = [
        Package(m["name"].partition(":")[0], m["version"], _STATES.get(m["state"], "unpacked"), "dpkg")
        for m in _DPKG.finditer(told.text)
        if m["state"] != "n"
    ]
    found += [Package(m["name"], m["version"], "installed", "rpm") for m in _RPM.finditer(told.text)]
    return Known(tuple(found), VIA) if found else NOT_TOLD


def _fabric_manager(told: Told) -> Observed[Service]:
    if "fabricmanager" not in told.low:
        return NOT_TOLD
    if re.search(
        r"Unit nvidia-fabricmanager(?:\.service)? (?:could not be found|not found)", told.text, re.I
    ):
        return Absent(VIA)
    unit = _UNIT.search(told.text)
    if unit is None:
        return NOT_TOLD
    version = re.search(r"nvidia-fabricmanager-\d{3} (\d{3}\.\d+\.\d+)", told.text)
    return Known(
        Service(
            "nvidia-fabricmanager",
            Known(version[1], VIA) if version else NOT_TOLD,
            Known(unit["state"] in ("active", "activating"), VIA),
        ),
        VIA,
    )
