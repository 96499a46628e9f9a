"""/usr/local/cuda: a link to a toolkit that is there, by update-alternatives where that made it."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, FileChange, Plan
from gpudoctor.facts.cuda import Toolkit
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See
from gpudoctor.rules.toolkit._view import tool
from gpudoctor.versions import numbers

mends = ("cuda-link-dangling",)

LINK = "/usr/local/cuda"
ALTERNATIVE = "/etc/alternatives/cuda"
#: Where update-alternatives keeps which choice was made, and how.
RECORDS = ("/var/lib/dpkg/alternatives/cuda", "/var/lib/alternatives/cuda")


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    target = see.link(LINK)
    if target is None:
        raise Manual(f"{LINK} is no link any more")
    found = [
        t
        for t in value_of(machine.cuda.toolkits, ())
        if t.prefix.startswith("/usr/local/") and tool(t, "nvcc") and t.prefix != LINK
    ]
    if not found:
        return _gone(finding, target)
    best = max(found, key=lambda t: numbers(str(value_of(t.release, "0"))))
    if target == ALTERNATIVE:
        return _alternative(finding, see, best)
    reason = f"{target} is not there; CUDA {value_of(best.release, '')} is in {best.prefix}"
    change = FileChange(LINK, None, None, reason, link=best.prefix, old_link=target)
    return Plan(
        finding.id, f"Point {LINK} at {best.prefix}", "unsafe", files=(change,), recheck=(finding.id,)
    )


def _gone(finding: Finding, target: str) -> Plan:
    change = FileChange(LINK, None, None, "there is no toolkit for it to point at", old_link=target)
    return Plan(finding.id, f"Remove the link {LINK}", "unsafe", files=(change,), recheck=(finding.id,))


def _alternative(finding: Finding, see: See, best: Toolkit) -> Plan:
    """The record of the choices is kept too, so that undo restores an automatic choice as automatic."""
    record = next((path for path in RECORDS if see.read(path) is not None), None)
    if record is None or best.prefix not in see.text(record).splitlines():
        raise Manual(
            f"update-alternatives does not know {best.prefix}",
            (
                f"sudo update-alternatives --install {LINK} cuda {best.prefix} 100",
                f"sudo update-alternatives --set cuda {best.prefix}",
            ),
        )
    program = see.program("update-alternatives")
    action = Action(
        (program, "--set", "cuda", best.prefix),
        f"{LINK} is one of update-alternatives' links",
        (program, "--auto", "cuda"),
        touches=(record, ALTERNATIVE),
    )
    return Plan(
        finding.id,
        f"Let update-alternatives point {LINK} at {best.prefix}",
        "unsafe",
        actions=(action,),
        recheck=(finding.id,),
        needs_root=True,
    )
