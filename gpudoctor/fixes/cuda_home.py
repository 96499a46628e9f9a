"""CUDA_HOME and its kin: pointed at a toolkit in the line that sets them, or set where something needs one."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.cuda import Toolkit
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _settings, _startup
from gpudoctor.fixes.see import Manual, See
from gpudoctor.parsers import shelledit
from gpudoctor.rules.toolkit._view import tool
from gpudoctor.rules.toolkit.cuda_home_missing import better

mends = ("cuda-home-missing",)


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    toolkits = [t for t in value_of(machine.cuda.toolkits, ()) if tool(t, "nvcc") is not None]
    if finding.subject.kind != "variable":
        return _set(finding, see, toolkits)
    name = finding.subject.name
    variable = next((v for v in value_of(machine.environment.variables, ()) if v.name == name), None)
    if variable is None:
        raise Manual(f"{name} is not among the variables that were read")
    found = _settings.setters((variable.set_by,), name)
    where = better(variable.value, toolkits)

    def edit(line: str) -> str | None:
        if not shelledit.understood(line, name):
            return None
        return shelledit.with_value(line, name, where) if where else ""

    title = f"Point {name} at {where}" if where else f"Take {name} out of {found[0][0]}"
    changes = _settings.edited(see, name, dict.fromkeys(path for path, _ in found), edit, title)
    return _settings.plan(see, finding.id, title, changes)


def _set(finding: Finding, see: See, toolkits: list[Toolkit]) -> Plan:
    """Nothing names a toolkit, and a package that compiles at run time needs one."""
    if not toolkits:
        raise Manual("there is no CUDA toolkit with nvcc to point it at")
    if see.login is None:
        raise Manual("another root has no user who logs in")
    prefix = toolkits[0].prefix
    changes = _startup.blocks(
        see,
        see.login,
        "cuda-home",
        (_startup.Assign("CUDA_HOME", prefix),),
        f"CUDA_HOME is {prefix}",
    )
    plan = _settings.plan(see, finding.id, f"Set CUDA_HOME to {prefix}", changes, safe=True)
    return plan.replace(source_now=_startup.source_now(changes, see.login))
