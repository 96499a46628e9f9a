"""Little memory may be locked, with several GPUs and InfiniBand

What it is: The limit on locked memory (ulimit -l) of this process is small, and a network card that reads memory by itself
(InfiniBand, RoCE) is up. Such cards need the memory locked.

Why it hurts: NCCL over InfiniBand fails to register memory ("ibv_reg_mr failed: Cannot allocate memory") when several machines train
together. On one machine without such a card it does not matter.

How to tell: The soft limit of RLIMIT_MEMLOCK on a machine with two or more GPUs and a card in /sys/class/infiniband whose port is
active.

How to fix: In a container `--ulimit memlock=-1`; on a host a line in /etc/security/limits.d, and LimitMEMLOCK for services.

Sources: https://www.kernel.org/doc/Documentation/ABI/stable/sysfs-class-infiniband
https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting/runtime_and_mpi_issues.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import MACHINE, CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.masks import total
from gpudoctor.signature import Signature

#: Linux's default of today (8 MiB) and less; distributions that raise it give an eighth of the memory.
LITTLE = 8 << 20


signatures: tuple[Signature | str, ...] = (
    Signature(r"ibv_reg_mr.{0,80}(?:Cannot allocate memory|failed)", 0.75),
    Signature(
        r"RLIMIT_MEMLOCK|locked memory .{0,40}(?:too low|limit)|ulimit -l \d+",
        0.65,
        needs=(r"NCCL|RDMA|ibv|GPU",),
    ),
)


def check(host: Host, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    if (total(gpu) or 0) < 2:
        raise DoesNotApply("fewer than two GPUs")
    limits = need(host.limits, "limits of this process")
    if limits.memlock < 0 or limits.memlock > LITTLE:
        return
    cards = need(host.infiniband, "InfiniBand or RoCE card")
    active = [card for card in cards if value_of(card.active, False)]
    if not active:
        if any(isinstance(card.active, Unknown) for card in cards):
            raise CannotLook("whether a port of an InfiniBand card is up")
        raise DoesNotApply("no port of an InfiniBand or RoCE card is up")
    inside = isinstance(containers.inside, Known)
    yield Problem(
        f"Only {limits.memlock >> 10} KiB of memory may be locked; NCCL over InfiniBand needs more",
        MACHINE,
        "note",
        (
            Evidence("RLIMIT_MEMLOCK", f"{limits.memlock} bytes", getattr(host.limits, "via", "")),
            *(
                Evidence(
                    f"{value_of(card.link_layer, 'link')} of {card.name}",
                    "active",
                    getattr(card.active, "via", ""),
                )
                for card in active[:2]
            ),
        ),
        fix=Fix("Start the container with --ulimit memlock=-1")
        if inside
        else Fix(
            "Lift the limit, then log in anew",
            ("echo '* - memlock unlimited' | sudo tee /etc/security/limits.d/90-memlock.conf",),
        ),
    )
