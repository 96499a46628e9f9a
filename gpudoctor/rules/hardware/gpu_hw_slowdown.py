"""The GPU's hardware slows it down, and does not say why

What it is: The chip has cut its clocks by half or more (hardware slowdown) without naming heat or the power brake. It does so when
it is too hot, draws power too fast, or for a moment while it changes its clocks.

Why it hurts: If it lasts, the GPU runs at half its speed or less.

How to tell: NVML's clock event reasons hold the hardware slowdown without a thermal or power brake reason. Look twice: a
passing one during a change of clocks means nothing.

How to fix: Ask again under load (`nvidia-smi -q -d PERFORMANCE`). If it stays: cooling, power supply, and the card's power cables.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
https://docs.nvidia.com/datacenter/dcgm/latest/dcgm-api/dcgm-api-field-constants.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each
from gpudoctor.signature import Signature

NAMED = frozenset({"hw-thermal-slowdown", "hw-power-brake", "hw-power-brake-slowdown"})


signatures: tuple[Signature | str, ...] = (Signature(r"HW Slowdown : Active", 0.7),)


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.throttle, "clock event reasons")
    yield from untold
    for one, reasons in told:
        if "hw-slowdown" in reasons and not NAMED & set(reasons) and one.nvml is not None:
            yield Problem(
                f"{one.subject.label} is slowed down by its hardware, which names no reason",
                one.subject,
                "note",
                (
                    Evidence("clock event reasons", ", ".join(reasons), "NVML"),
                    seen("temperature (°C)", one.nvml.temperature),
                    seen("power (W)", one.nvml.power),
                ),
                fix=Fix("Ask again under load", ("nvidia-smi -q -d PERFORMANCE",)),
            )
