"""A package source that is retired, taken out of apt's list: the present repository is there already."""

from __future__ import annotations

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See

mends = ("nvidia-docker-repository-retired",)


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    if finding.fix is None or finding.fix.applicability == "manual":
        raise Manual(
            "the present repository has to be added first", finding.fix.commands if finding.fix else ()
        )
    path, _, number = finding.subject.name.rpartition(":")
    lines = see.text(path).splitlines(keepends=True)
    at = int(number) - 1 if number.isdigit() else -1
    url = finding.evidence[0].value
    if not 0 <= at < len(lines) or url.split("$")[0] not in lines[at]:
        raise Manual(f"{path} is not as it was read")
    kept = lines[:at] + lines[at + 1 :]
    reason = f"{url} is retired"
    if any(line.split("#")[0].strip() for line in kept):
        change = see.edit(path, "".join(kept), reason)
    else:
        change = FileChange(path, see.read(path), None, reason)
    return Plan(
        finding.id,
        f"Take the retired repository out of {path}",
        "unsafe",
        files=(change,),
        recheck=(finding.id,),
    )
