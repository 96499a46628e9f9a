"""The driver wants this GPU to be reset before it can be used

What it is: NVML answers questions about the device with "GPU requires reset": after a fault the driver keeps it closed
until it has been reset.

Why it hurts: No program can start on this GPU until then.

How to tell: NVML's words for that device, while other devices answer. The kernel log tells the fault that came before.

How to fix: Stop what still holds the GPU and reset it; where that is refused, reboot.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
https://github.com/leptonai/gpud/pull/1133
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Unknown
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.judging import devices
from gpudoctor.rules.witnesses import answering, reset_command
from gpudoctor.signature import Signature

explains = ("gpu-lost-in-cuda",)

signatures: tuple[Signature | str, ...] = (
    Signature(r"GPU requires reset", 0.85),
    Signature(r"GPU Recovery Action : (?:Reset|GPU Reset)", 0.8),
)


#: nvmlErrorString of NVML_ERROR_RESET_REQUIRED (16): "GPU requires restart" in older headers, "reset" in newer ones.
WORDS = ("requires reset", "requires restart", "requires a reset")


def check(gpu: Gpu) -> Iterator[Problem]:
    answering(gpu)
    for one in devices(gpu):
        if one.nvml is None:
            continue
        fields = (one.nvml.memory_total, one.nvml.uuid, one.nvml.temperature, one.nvml.throttle)
        said = [f.reason for f in fields if isinstance(f, Unknown)]
        words = next((r for r in said if any(w in r.lower() for w in WORDS)), "")
        if words:
            yield Problem(
                f"{one.subject.label} must be reset before it can be used",
                one.subject,
                "failure",
                (Evidence("NVML on this device", words, "NVML"),),
                fix=Fix("Stop what holds this GPU and reset it, or reboot", (reset_command(one.subject),)),
            )
