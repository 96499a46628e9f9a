"""The GPU has fewer PCIe lanes than its slot offers

What it is: The link between the GPU and the machine runs with fewer lanes than card and slot can do together: some contacts, a riser or
a cable do not carry.

Why it hurts: Copies to and from the GPU take twice as long or more. A link that lost lanes is often about to lose
the GPU.

How to tell: NVML's current link width against the largest that this device reaches in this system. The generation (the speed of a
lane) is no sign: an idle GPU lowers it to save power and raises it under load. Where all GPUs of a kind have as few, or there is but
one, the machine may be made so (clouds give an A10G or a T4 eight lanes of sixteen): that is a note.

How to fix: Switch off, reseat the card (and the riser), clean its contacts, and see that no other device shares the slot's lanes in the BIOS. Try another
slot; if the fault moves with the card, it is the card.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
https://docs.nvidia.com/datacenter/dcgm/3.1/user-guide/dcgm-diagnostics.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each, is_datacenter


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.link_width, "PCIe link width")
    yield from untold
    best: dict[str, int] = {}
    for one, width in told:
        name = value_of(one.name, "")
        best[name] = max(best.get(name, 0), width)
    for one, width in told:
        # The bus (sysfs) knows only what the card itself could do; a laptop's x4 slot is no fault. NVML counts the
        # slot in. A width of 0 is a virtual machine's answer.
        most = one.nvml.link_width_max if one.nvml else None
        if one.nvml is None or not isinstance(most, Known) or not 0 < width < most.value:
            continue
        yield Problem(
            f"{one.subject.label} runs with {width} of {most.value} PCIe lanes",
            one.subject,
            "warning" if is_datacenter(one.nvml) and width < best[value_of(one.name, "")] else "note",
            (
                Evidence("link width", f"x{width}", "NVML"),
                Evidence("widest here", f"x{most.value}", "NVML"),
                seen("link generation", one.nvml.link_generation, "NVML"),
            ),
            fix=Fix("Switch off, reseat the card and its riser; look for lanes shared in the BIOS"),
        )
