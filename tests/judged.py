"""What the cause tests say: judge a whole machine by all rules, and compare names."""

from __future__ import annotations

from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding, Judgement


def causes(machine: Machine) -> set[str]:
    """Ids of the root findings (not folded under another); rules that crash fail the test at once.

    The note that there is no GPU is left out: it stands on every machine without one, and says nothing of its health.
    """
    roots = [f for f in judgement(machine).findings if f.caused_by is None]
    return {f.id for f in roots if (f.id, f.severity) != ("no-nvidia-gpu", "note")}


def judgement(machine: Machine) -> Judgement:
    result = judge(machine)
    assert result.crashed == (), result.crashed
    return result


def finding(machine: Machine, cause: str) -> Finding:
    """The one finding of that cause. Fails where there is none or more than one."""
    found = [f for f in judgement(machine).findings if f.id == cause]
    assert len(found) == 1, f"{len(found)} findings of {cause}: {[f.id for f in judgement(machine).findings]}"
    return found[0]


def folded(machine: Machine) -> dict[str, str]:
    """Consequence -> the cause it is folded under."""
    return {f.id: f.caused_by for f in judgement(machine).findings if f.caused_by is not None}
