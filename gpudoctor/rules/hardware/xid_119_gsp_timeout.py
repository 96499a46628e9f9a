"""The GPU's own firmware processor (GSP) does not answer the driver

What it is: On newer GPUs much of the driver runs on a processor of the GPU, the GSP. The driver asked it something
and got no answer in time.

Why it hurts: The GPU hangs or is taken out of use; programs on it wait or fail until it is reset.

How to tell: Xid 119 (time-out of a call) or Xid 120 (the GSP's program failed) in the kernel log, with the device's address. If Xid 79 came
first, the GPU had fallen off the bus, and that is the cause.

How to fix: Reset the GPU or reboot; where a warm reboot does not bring it back, switch the machine off and on. Then
update the driver: branch 525 before 525.105.17 is known for it. With the proprietary module on GPUs that can do without it, the GSP can
be switched off with NVreg_EnableGpuFirmware=0; the open module and Blackwell need it.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/446
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.judging import devices, driver_version
from gpudoctor.rules.witnesses import by_device, codes_of, log, log_lines, reset_command, via_log, xids
from gpudoctor.signature import Signature, exported_xid
from gpudoctor.versions import branch, capability, is_version, older

explains = (
    "gpu-lost-in-cuda",
    "gpu-missing-in-nvml",
    "gpu-requires-reset",
    "xid-13-31-application-fault",
    "xid-43-gpu-stopped-processing",
    "xid-109-context-switch-timeout",
    "xid-154-recovery-action",
)

signatures: tuple[Signature | str, ...] = (
    Signature(r"Xid .{0,30}\): (?:119|120)\b", 0.95),
    Signature(r"Xid:? ?(?:119|120)\b", 0.92),
    Signature(r"Timeout (?:after \d+s )?(?:of )?waiting for RPC response from GPU\d? GSP", 0.95),
    Signature(r"GSP (?:task )?(?:timeout|RPC time)|waiting for RPC.{0,30}GSP", 0.85, needs=(r"GSP",)),
    Signature(r"GSP task exception", 0.85),
    Signature(r"Xid(?: errors?| events?| code)?[ :=#]{0,3}(?:119|120)\b|kgspLogXid1(?:19|20)", 0.9),
    Signature(
        r"GSP (?:RPC )?time-?out|_issueRpcAndWait|rpcRecvPoll|GSP (?:firmware )?(?:crash\w*|hang\w*|hung|stopped responding)|RPC response from GPU\d* GSP",
        0.78,
        needs=(r"GSP|RPC",),
    ),
    Signature(
        r"NVreg_EnableGpuFirmware ?= ?0|disabl\w+ (?:the )?GSP",
        0.6,
        needs=(r"hang|hung|time|lost|Xid|stuck|crash|freez",),
    ),
    Signature(
        r"Rate limiting GSP RPC error prints|rpcSendMessage failed with status|_issueRpcAndWait|rpcRecvPoll|GSP RPC (?:call )?(?:timed out|time-?out)",
        0.82,
        unless=(r"RmInitAdapter",),
    ),
    # The open modules of branches 570 and later: the watch on the firmware's heartbeat.
    Signature(
        r"_kgspIsHeartbeatTimedOut|_kgspLogRpcTimeout|GSP Heartbeat|Heartbeat timed out, currentTimeMs",
        0.93,
        unless=(r"_kgspBootGspRm: unexpected",),
    ),
    Signature(exported_xid(119, 120), 0.93),
)


CODES = (119, 120)
#: The driver of branch 525 that no longer has the time-outs of its forerunners.
FIXED_525 = "525.105.17"


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    version = driver_version(driver, gpu)
    for subject, lines in by_device(gpu, xids(log(host, gpu), CODES)):
        evidence = [*log_lines(lines, via_log(host)), seen("driver", version)]
        firmware = value_of(driver.parameters, {}).get("EnableGpuFirmware")
        if firmware is not None:
            evidence.append(Evidence("EnableGpuFirmware", firmware, getattr(driver.parameters, "via", "")))
        yield Problem(
            f"{subject.label}: its firmware processor (GSP) stopped answering, {codes_of(lines)}",
            subject,
            "failure",
            tuple(evidence),
            fix=_fix(subject, driver, gpu, value_of(version, "")),
        )


def _fix(subject: Subject, driver: Driver, gpu: Gpu, version: str) -> Fix:
    reset = reset_command(subject)
    if is_version(version) and branch(version) == 525 and older(version, FIXED_525):
        return Fix(f"Reset the GPU, and update the driver to {FIXED_525} or newer", (reset,))
    if _can_do_without(subject, driver, gpu):
        return Fix(
            "Reset the GPU; if it comes back, update the driver, or switch the GSP off and reboot",
            (
                reset,
                "echo 'options nvidia NVreg_EnableGpuFirmware=0' | sudo tee /etc/modprobe.d/nvidia-gsp.conf",
                "sudo reboot",
            ),
        )
    return Fix("Reset the GPU or reboot; if it comes back, update the driver", (reset,))


def _can_do_without(subject: Subject, driver: Driver, gpu: Gpu) -> bool:
    """Only the proprietary module, and only GPUs before Blackwell, run without the GSP."""
    module = value_of(driver.module, None)
    if module is None or not isinstance(module.flavour, Known) or module.flavour.value != "proprietary":
        return False
    for one in devices(gpu):
        if one.subject == subject and isinstance(one.compute_capability, Known):
            return capability(one.compute_capability.value) < (10, 0)
    return False
