"""Links in /dev/char for NVIDIA's devices, now and at every start: systemd's device rules go by them."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See
from gpudoctor.rules.containers.container_cgroup_loss_predicted import RULE

mends = ("container-cgroup-loss-predicted",)

PATH = "/etc/udev/rules.d/71-nvidia-dev-char.rules"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    program = see.program("nvidia-ctk")
    rule = RULE.replace("/usr/bin/nvidia-ctk", program) + "\n"
    actions = [
        Action(
            (program, "system", "create-dev-char-symlinks", "--create-all"),
            "make the links now",
            # None was there before: that is what the finding says.
            (see.program("find"), "/dev/char", "-type", "l", "-lname", "*nvidia*", "-delete"),
        )
    ]
    try:
        udevadm = see.program("udevadm")
        actions.append(
            Action((udevadm, "control", "--reload"), "udev reads the rule", (udevadm, "control", "--reload"))
        )
    except Manual:
        pass  # without udev nothing would read the rule before the next start anyway
    return Plan(
        finding.id,
        "Make the links of /dev/char, now and when the driver is loaded",
        "unsafe",
        finding.subject,
        files=(see.edit(PATH, rule, "udev makes the links when the driver is bound to a GPU"),),
        actions=tuple(actions),
        recheck=(finding.id,),
        needs_root=True,
    )
