"""The machine's power supply makes the GPU slow down

What it is: A signal from outside the GPU, usually from the power supplies or the server's management, told it to halve its clocks
or more (hardware power brake).

Why it hurts: The GPU runs at half its speed or less for as long as the signal stands.

How to tell: NVML's clock event reasons name the hardware power brake. Being held at its own power limit is a different reason, and
normal under load.

How to fix: Check the power supplies (a failed or missing one, redundancy, cables), the server's power cap in its management (BMC), and
the auxiliary power cables of the card.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each
from gpudoctor.signature import Signature

explains = ("gpu-hw-slowdown",)

signatures: tuple[Signature | str, ...] = (Signature(r"HW Power Brake Slowdown : Active", 0.9),)


#: The probe's word, and NVML's in full.
REASONS = frozenset({"hw-power-brake", "hw-power-brake-slowdown"})


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.throttle, "clock event reasons")
    yield from untold
    for one, reasons in told:
        said = REASONS & set(reasons)
        if said and one.nvml is not None:
            yield Problem(
                f"{one.subject.label} is slowed down by the machine's power brake signal",
                one.subject,
                "warning",
                (Evidence("clock event reasons", ", ".join(said), "NVML"), seen("power (W)", one.nvml.power)),
                fix=Fix("Check the power supplies, the server's power cap and the card's power cables"),
            )
