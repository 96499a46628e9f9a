"""A GPU has fewer active NVLinks than its sisters

What it is: GPUs of the same kind in one machine are joined by NVLinks, and on this one some or all links are down.

Why it hurts: Traffic to this GPU goes over PCIe, many times slower, or collective operations fail: NCCL waits for the slowest.

How to tell: NVML's link states of GPUs of the same name compared. Where all have the same number of links down, the board or its bridges
are made so. A card without any link up beside cards that are bridged may simply have no bridge: that is a note, unless the GPUs are
soldered to a board (SXM) or joined by NVSwitches.

How to fix: Read the kernel log for Xid 74 or SXids; reboot. For cards with a bridge: is it seated, and of the right kind. Otherwise the
vendor.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__NvLink.html
https://github.com/NVIDIA/open-gpu-kernel-modules/issues/1150
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import Device
from gpudoctor.rules.witnesses import answering, each, nvswitches


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    if len(answering(gpu).devices) < 2:
        raise DoesNotApply("only one GPU")
    told, untold = each(gpu, lambda one: one.nvlinks, "NVLinks")
    yield from untold
    kinds: dict[str, list[tuple[Device, tuple[bool, ...]]]] = defaultdict(list)
    for one, links in told:
        kinds[value_of(one.name, one.subject.name)].append((one, links))
    for sisters in kinds.values():
        best = max(sum(links) for _, links in sisters)
        for one, links in sisters:
            # A GPU cut into MIG instances has no NVLink (https://docs.rapids.ai/deployment/stable/guides/mig).
            split = one.nvml is not None and value_of(one.nvml.mig_enabled, False)
            if sum(links) < best and not split:
                down = [str(number) for number, active in enumerate(links) if not active]
                bare = not any(links) and not _on_a_board(one, gpu)
                yield Problem(
                    f"{one.subject.label} has {sum(links)} active NVLinks, others of its kind {best}",
                    one.subject,
                    "note" if bare else "warning",
                    (
                        Evidence("active links", f"{sum(links)} of {len(links)}", "NVML"),
                        Evidence("links that are down", ", ".join(down) or "not listed", "NVML"),
                    ),
                    fix=Fix("If a bridge belongs on this card, see that it sits", ("nvidia-smi nvlink -s",))
                    if bare
                    else Fix("See the links and the kernel log, then reboot", ("nvidia-smi nvlink -s",)),
                )


def _on_a_board(one: Device, gpu: Gpu) -> bool:
    """NVLink is part of the board: SXM modules (their names say so, or name the memory: "H100 80GB HBM3"), or NVSwitches."""
    name = value_of(one.name, "")
    return bool(nvswitches(gpu)) or "SXM" in name or "HBM" in name
