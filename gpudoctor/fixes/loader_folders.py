"""Folders that the loader must not search: stubs of libcuda, and a cuda-compat that is not newer than the driver."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _settings
from gpudoctor.fixes._loader import ldconfig, without_folder
from gpudoctor.fixes.see import Manual, See

mends = ("libcuda-stub-on-path", "cuda-compat-shadows-driver")

LD = "LD_LIBRARY_PATH"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    folders = {_folder(e.value) for e in finding.evidence if e.what in ("stub", "libcuda in front")}
    places = [d for d in value_of(machine.libraries.search, ()) if d.path.rstrip("/") in folders]
    if not places:
        raise Manual("the folder is not on the loader's path by any setting that is known")
    reason = f"{finding.title[:1].lower()}{finding.title[1:]}"
    files = [d for d in places if d.source.startswith("/")]
    changes = [without_folder(see, d.source, d.path, reason) for d in files]
    if any(d.source == LD for d in places):
        changes += _settings.without_elements(
            see, machine.environment, LD, lambda element: element.rstrip("/") in folders, reason
        )
    return _settings.plan(
        see,
        finding.id,
        f"Take {' and '.join(sorted(d.path for d in places))} off the loader's path",
        tuple(changes),
    ).replace(actions=(ldconfig(see),) if files else (), needs_root=bool(files))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
