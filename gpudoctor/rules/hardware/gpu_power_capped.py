"""The GPU runs at its power limit

What it is: The driver holds the GPU's clocks down because it draws as much power as its limit allows.

Why it hurts: Under full load this is normal. It matters only when the limit was set lower than the card's own, or when one GPU of a group
is slower than its sisters.

How to tell: NVML's clock event reasons name the software power cap; the power that is drawn is close to the limit.

How to fix: Nothing, unless the limit was lowered: `nvidia-smi -q -d POWER` shows the current and the default limit, and
`nvidia-smi -pl` sets it.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.throttle, "clock event reasons")
    yield from untold
    for one, reasons in told:
        if "sw-power-cap" not in reasons or one.nvml is None:
            continue
        limit = value_of(one.nvml.power_limit, None)
        yield Problem(
            f"{one.subject.label} runs at its power limit" + (f" of {limit:.0f} W" if limit else ""),
            one.subject,
            "note",
            (
                Evidence("clock event reasons", "sw-power-cap", "NVML"),
                seen("power (W)", one.nvml.power),
                seen("power limit (W)", one.nvml.power_limit),
            ),
            fix=Fix("See whether the limit was lowered", ("nvidia-smi -q -d POWER",)),
        )
