"""The GPU's InfoROM is corrupted

What it is: The small memory on the board that keeps its serial number, its power limits and the history of its memory
errors no longer passes its checksum.

Why it hurts: The GPU may run, but the record of bad memory cannot be trusted or written any more, and limits may be wrong.

How to tell: NVML answers a question about the device with "infoROM is corrupted", or nvidia-smi prints that warning with its
address.

How to fix: Reboot once. If the warning stays, ask the vendor of the card or server for an InfoROM repair or a replacement.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
https://github.com/NVIDIA/DCGM/blob/master/nvvs/src/Software.cpp (DCGM_FR_CORRUPT_INFOROM)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, NvmlDevice
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import devices
from gpudoctor.rules.witnesses import answering, subject_at
from gpudoctor.signature import Signature

#: nvidia-smi's warning below its table: "WARNING: infoROM is corrupted at gpu 0000:0B:00.0"
_WARNING = re.compile(r"infoROM is corrupted at gpu ([0-9a-fA-F:.]+)")


signatures: tuple[Signature | str, ...] = (
    Signature(r"infoROM is corrupted at gpu", 0.9),
    Signature(r"Corrupted infoROM|NVML_ERROR_CORRUPTED_INFOROM", 0.85, needs=(r"INFOROM",)),
)


def check(gpu: Gpu) -> Iterator[Problem]:
    smi = value_of(gpu.smi, None)
    found: dict[str, tuple[Subject, Evidence]] = {}
    for match in _WARNING.finditer(smi.output if smi else ""):
        subject = subject_at(gpu, match.group(1))
        found[subject.name] = (subject, Evidence("nvidia-smi", match.group(), smi.path if smi else ""))
    if not found:
        answering(gpu)
    for one in devices(gpu):
        words = _words(one.nvml) if one.nvml else ""
        if words:
            found[one.subject.name] = (one.subject, Evidence("NVML on this device", words, "NVML"))
    for subject, evidence in found.values():
        yield Problem(
            f"{subject.label} has a corrupted InfoROM",
            subject,
            "warning",
            (evidence,),
            fix=Fix("Reboot once; if the warning stays, ask the vendor for a repair or a replacement"),
        )


def _words(one: NvmlDevice) -> str:
    told = (getattr(one, name) for name in one.record_fields)
    reasons = (field.reason for field in told if isinstance(field, Unknown))
    return next((r for r in reasons if "inforom is corrupted" in r.lower()), "")
