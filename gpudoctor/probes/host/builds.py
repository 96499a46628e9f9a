"""What DKMS built of NVIDIA's modules, and what it failed to build."""

from __future__ import annotations

from typing import Any

from gpudoctor.facts.host import DkmsBuild
from gpudoctor.facts.observed import Observed
from gpudoctor.probes.host import tail
from gpudoctor.system.port import Port, is_dir, names, observe, text

_DKMS = "/var/lib/dkms"


def builds(port: Port) -> Observed[tuple[DkmsBuild, ...]]:
    """NVIDIA's modules in DKMS' tree: <module>/<version>/<kernel>/<architecture>/module, and a link
    kernel-<kernel>-<architecture> for what is installed. A failed build leaves <version>/build/make.log."""

    def ask() -> tuple[DkmsBuild, ...]:
        found: list[DkmsBuild] = []
        for module in port.listdir(_DKMS):
            if module.startswith("nvidia"):
                found += _dkms_module(port, module)
        return tuple(found)

    return observe(ask, _DKMS)


def _dkms_module(port: Port, module: str) -> list[DkmsBuild]:
    top = f"{_DKMS}/{module}"
    entries = names(port, top)
    installed = {
        port.realpath(f"{top}/{link}")
        for link in entries
        if link.startswith("kernel-") and port.realpath(f"{top}/{link}") != f"{top}/{link}"
    }
    found: list[DkmsBuild] = []
    for version in entries:
        folder = f"{top}/{version}"
        if version.startswith("kernel-") or version == "original_module" or not is_dir(port, folder):
            continue
        made: list[DkmsBuild] = []
        for release in names(port, folder):
            if release not in ("build", "source"):
                made += _dkms_kernel(port, module, version, release, installed)
        failed = _failed(port, module, version, f"{folder}/build/make.log")
        if failed is not None and failed.kernel not in {b.kernel for b in made if b.state != "failed"}:
            made.append(failed)
        found += made or [DkmsBuild(module, version, "", "added")]
    return found


def _dkms_kernel(port: Port, module: str, version: str, release: str, installed: set[str]) -> list[DkmsBuild]:
    found: list[DkmsBuild] = []
    for architecture in names(port, f"{_DKMS}/{module}/{version}/{release}"):
        here = f"{_DKMS}/{module}/{version}/{release}/{architecture}"
        if any(".ko" in name for name in names(port, f"{here}/module")):
            state: Any = "installed" if here in installed else "built"
            found.append(DkmsBuild(module, version, release, state))
        elif (failed := _failed(port, module, version, f"{here}/log/make.log")) is not None:
            found.append(failed.replace(kernel=release))
    return found


def _failed(port: Port, module: str, version: str, log: str) -> DkmsBuild | None:
    from gpudoctor.parsers.dkms import parse_make_log

    try:
        said = parse_make_log(text(port, log, 4096), tail(port, log))
    except OSError:
        return None
    return DkmsBuild(module, version, said.kernel, "failed", f"{said.error} ({log})") if said.error else None
