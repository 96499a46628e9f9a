"""The bin folder of a CUDA toolkit on PATH, in the file that the user's shell reads."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.cuda import Toolkit
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _startup
from gpudoctor.fixes.see import Manual, See
from gpudoctor.rules.toolkit._view import selection

mends = ("toolkit-not-on-path",)


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    """LD_LIBRARY_PATH is left alone: nothing that is compiled needs it, and it shadows the libraries of wheels."""
    if see.login is None:
        raise Manual("another root has no user who logs in")
    toolkit = next(
        (t for t in value_of(machine.cuda.toolkits, ()) if t.real_prefix == finding.subject.name), None
    )
    if toolkit is None:
        raise Manual("the toolkit is not known any more")
    folder = f"{_name(toolkit, machine)}/bin"
    reason = f"nvcc of CUDA {value_of(toolkit.release, '')} is in {folder}".replace("  ", " ")
    changes = _startup.blocks(see, see.login, "toolkit", (_startup.Prepend("PATH", folder),), reason)
    return Plan(
        finding.id,
        f"Put {folder} on {see.login.user}'s PATH",
        "safe",
        finding.subject,
        files=changes,
        validations=(
            *(v for change in changes for v in _startup.syntax(change)),
            _startup.runs_in_a_login(see.login, "nvcc --version", "a new login shell runs nvcc"),
        ),
        recheck=(finding.id,),
        source_now=_startup.source_now(changes, see.login),
        notes=(
            f"for all users, as root: a file in /etc/profile.d with  export PATH={folder}${{PATH:+:$PATH}}",
        ),
    )


def _name(toolkit: Toolkit, machine: Machine) -> str:
    """/usr/local/cuda where it leads to this toolkit: it follows the next release too."""
    link = selection(machine.cuda, "/usr/local/cuda")
    if link is not None and isinstance(link.prefix, Known) and link.prefix.value == toolkit.real_prefix:
        return "/usr/local/cuda"
    return toolkit.prefix
