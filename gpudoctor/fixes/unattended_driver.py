"""The driver's packages left out of unattended upgrades, by a file of our own beside apt's."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import See
from gpudoctor.rules.driver.driver_upgraded_unattended import FILE, LINE

mends = ("driver-upgraded-unattended",)

_WHY = "// The driver is upgraded by hand, when a reboot can follow: an upgrade under the running module stops all GPU work."


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    change = see.edit(FILE, f"{_WHY}\n{LINE}\n", "apt's lists grow: what is left out already stays so")
    return Plan(
        finding.id,
        "Leave the driver's packages out of unattended upgrades",
        "unsafe",
        files=(change,),
        recheck=(finding.id,),
        notes=("from now on upgrade the driver yourself: sudo apt-get upgrade, then reboot",),
    )
