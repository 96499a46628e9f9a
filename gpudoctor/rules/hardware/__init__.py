"""The hardware: faults of a GPU, its memory, its slot, its power and its cooling."""

from __future__ import annotations

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host


def not_applicable(gpu: Gpu, host: Host) -> str:
    """A GPU that fell off the bus may be gone from the bus too: what the kernel logged of it keeps the family in."""
    from gpudoctor.facts.observed import value_of
    from gpudoctor.rules.witnesses import GPU_EVENTS, no_gpu

    if any(event.kind in GPU_EVENTS for event in value_of(host.kernel_log, ())):
        return ""
    return no_gpu(gpu, host)
