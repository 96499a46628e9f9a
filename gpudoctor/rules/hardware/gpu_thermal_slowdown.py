"""The GPU slows itself down because it is too hot

What it is: The GPU's clocks are held down right now to keep its temperature within limits, by the driver (software thermal
slowdown) or by the chip itself (hardware thermal slowdown, which halves the clocks or more).

Why it hurts: Training runs slower than the card can, and in a group of GPUs all wait for the hottest one.

How to tell: NVML names the reason in its clock event reasons. A power limit is another reason with another name, and an idle GPU
is no fault at all.

How to fix: Look after the cooling: fans, dust, air flow, blanking plates, room temperature, and the position of the card. Until then a
lower power limit (`nvidia-smi -pl`) keeps it cooler.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
https://docs.nvidia.com/datacenter/dcgm/latest/dcgm-api/dcgm-api-field-constants.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each
from gpudoctor.signature import Signature

explains = ("gpu-hw-slowdown",)

signatures: tuple[Signature | str, ...] = (Signature(r"(?:HW|SW) Thermal Slowdown : Active", 0.85),)


REASONS = ("hw-thermal-slowdown", "sw-thermal-slowdown")


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.throttle, "clock event reasons")
    yield from untold
    for one, reasons in told:
        hot = [reason for reason in REASONS if reason in reasons]
        if not hot or one.nvml is None:
            continue
        temperature = seen("temperature (°C)", one.nvml.temperature)
        by = "itself" if "hw-thermal-slowdown" in hot else "the driver"
        degrees = f" at {temperature.value} °C" if temperature.value.isdigit() else ""
        yield Problem(
            f"{one.subject.label} is slowed down by {by} because it is too hot{degrees}",
            one.subject,
            "warning",
            (Evidence("clock event reasons", ", ".join(hot), "NVML"), temperature),
            fix=Fix("Look after this GPU's cooling: fans, dust, air flow, room temperature"),
        )
