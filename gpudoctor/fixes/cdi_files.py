"""CDI specifications: written again, made readable, removed, or kept under a name that no engine reads."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, FileChange, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See

mends = (
    "cdi-spec-conflict",
    "cdi-spec-shadowed",
    "cdi-spec-stale",
    "cdi-spec-too-new",
    "cdi-spec-unreadable",
)


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    path = finding.subject.name
    content = see.read(path)
    if content is None:
        raise Manual(f"{path} is not there any more")
    grade = finding.fix.applicability if finding.fix else "manual"
    again = finding.id == "cdi-spec-unreadable" and grade == "unsafe"
    if again or finding.id in ("cdi-spec-stale", "cdi-spec-too-new"):
        return generated(finding, see, path)
    if finding.id == "cdi-spec-unreadable":
        mode = see.port.stat(path).mode
        chmod = see.program("chmod")
        action = Action((chmod, "644", path), "ordinary users may read it", (chmod, f"{mode:o}", path))
        return Plan(
            finding.id,
            f"Let everybody read {path}",
            "safe",
            actions=(action,),
            recheck=(finding.id,),
            needs_root=True,
        )
    why = "another specification defines the same devices"
    removed = FileChange(path, content, None, why)
    if finding.id == "cdi-spec-shadowed":
        return Plan(finding.id, f"Remove {path}", "unsafe", files=(removed,), recheck=(finding.id,))
    kept = FileChange(
        f"{path}.off", see.read(f"{path}.off"), content, "kept under a name that no engine reads"
    )
    if kept.before is not None:
        raise Manual(f"{path}.off is there already")
    return Plan(
        finding.id, f"Rename {path} to {path}.off", "unsafe", files=(removed, kept), recheck=(finding.id,)
    )


def generated(finding: Finding, see: See, path: str) -> Plan:
    """Written (again) by nvidia-ctk; what was there is kept."""
    program = see.program("nvidia-ctk")
    action = Action(
        (program, "cdi", "generate", f"--output={path}"), "from the driver as it is now", touches=(path,)
    )
    return Plan(
        finding.id,
        f"Let nvidia-ctk write {path}",
        "unsafe",
        actions=(action,),
        recheck=(finding.id,),
        needs_root=True,
    )
