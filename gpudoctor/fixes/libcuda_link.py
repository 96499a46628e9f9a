"""The link libcuda.so, beside the driver's libcuda.so.1."""

from __future__ import annotations

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See

mends = ("libcuda-link-missing",)


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    library = finding.evidence[0].value
    path = library.removesuffix(".1")
    if see.is_there(path) or see.link(path) is not None:
        raise Manual(f"{path} is there by now")
    change = FileChange(path, None, None, "what links with -lcuda finds it", link="libcuda.so.1")
    return Plan(finding.id, f"Make the link {path}", "unsafe", files=(change,), recheck=(finding.id,))
