"""Variables that hurt, taken out of the start-up file that sets them."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _settings
from gpudoctor.fixes.see import Manual, See
from gpudoctor.parsers.cudalibs import family_of

mends = ("environment-variable-harmful", "ld-preload-cuda")

_DRIVER = ("libcuda.so", "libnvidia-ml.so")


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    name = finding.subject.name
    if finding.id == "ld-preload-cuda" and not _all_ours(machine):
        raise Manual(
            "LD_PRELOAD also names libraries that have nothing to do with CUDA: take out the part by hand"
        )
    changes = _settings.without_variable(see, machine.environment, name, f"{name} is not set any more")
    return _settings.plan(see, finding.id, f"Take {name} out of {changes[0].path}", changes)


def _all_ours(machine: Machine) -> bool:
    value = next((v.value for v in value_of(machine.environment.variables, ()) if v.name == "LD_PRELOAD"), "")
    names = [path.rpartition("/")[2] for path in value.replace(":", " ").split()]
    return all(family_of(name) or name.startswith(_DRIVER) for name in names)
