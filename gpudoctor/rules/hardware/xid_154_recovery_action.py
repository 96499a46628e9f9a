"""The driver asks for a recovery action

What it is: After a fault the driver works out what brings the GPU back, and logs it as Xid 154: nothing, a reset of the GPU, a
reboot, or draining it first.

Why it hurts: Until that is done, programs on this GPU fail or are not admitted.

How to tell: The newest Xid 154 line for the device; it names the action. The line before it names the fault.

How to fix: Do what the line says.

Sources: https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/error-recovery-and-response-flags.html
https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/446
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1151
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Fix, Problem, Subject
from gpudoctor.rules.witnesses import by_device, log, log_lines, reset_command, via_log, xids
from gpudoctor.signature import Signature, exported_xid

explains = ("gpu-requires-reset", "gpu-lost-in-cuda")

signatures: tuple[Signature | str, ...] = (
    Signature(r"GPU recovery action changed from", 0.7),
    Signature(r"Xid .{0,30}\): 154\b", 0.65),
    Signature(exported_xid(154), 0.62),
)


#: "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)"
_ACTION = re.compile(r"recovery action changed from .*? to (?:0x[0-9a-f]+ )?\((?P<action>[^)]*)\)", re.I)


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    for subject, lines in by_device(gpu, xids(log(host, gpu), (154,))):
        match = _ACTION.search(lines[-1].text)
        if match is None:
            yield CouldNotTell(
                f"{subject.label}: Xid 154 is not worded as known: {lines[-1].text}", "", subject
            )
            continue
        action = match["action"].strip()
        if action.lower() == "none":
            continue
        yield Problem(
            f"{subject.label}: the driver asks for {action!r}",
            subject,
            "failure",
            log_lines(lines[-1:], via_log(host)),
            fix=_fix(action.lower(), subject),
        )


def _fix(action: str, subject: Subject) -> Fix:
    if "reboot" in action:
        return Fix("Reboot, as the driver asks", ("sudo reboot",))
    if "drain" in action:
        return Fix(
            "Let what runs on this GPU end, give it nothing new, then reset it", (reset_command(subject),)
        )
    if "reset" in action:
        return Fix("Stop what runs on this GPU and reset it", (reset_command(subject),))
    return Fix(f"Do what the driver asks: {action}")
