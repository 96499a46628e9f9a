"""A process may open few files at once

What it is: The limit on open files (ulimit -n) of this process is below 1024, the least that distributions give.

Why it hurts: Data loaders with several workers pass tensors as open files, NCCL keeps sockets between all ranks, and the driver keeps files
for each GPU: "Too many open files", or "received 0 items of ancdata" from PyTorch, often hours into a run.

How to tell: The soft limit of RLIMIT_NOFILE.

How to fix: Raise it up to the hard limit in the shell that starts the job (`ulimit -n 65536`); in a container `--ulimit nofile=65536`; for services
LimitNOFILE; for good a line in /etc/security/limits.d. PyTorch can share tensors through /dev/shm instead (sharing strategy file_system).

Sources: https://docs.pytorch.org/docs/stable/multiprocessing.html#file-descriptor-file-descriptor
https://man7.org/linux/man-pages/man2/getrlimit.2.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import MACHINE, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

#: What systemd and the shells of all distributions give a process.
USUAL = 1024

signatures: tuple[Signature | str, ...] = (
    # torch/multiprocessing/reductions.py, by way of multiprocessing.reduction.recvfds.
    Signature(r"received 0 items of ancdata", 0.85),
)


def check(host: Host, containers: Containers) -> Iterator[Problem]:
    limits = need(host.limits, "limits of this process")
    if limits.nofile < 0 or limits.nofile >= USUAL:
        return
    inside = isinstance(containers.inside, Known)
    yield Problem(
        f"Only {limits.nofile} files may be open at once; {USUAL} are usual, data loaders and NCCL want more",
        MACHINE,
        "warning",
        (Evidence("RLIMIT_NOFILE", str(limits.nofile), getattr(host.limits, "via", "")),),
        fix=Fix("Start the container with --ulimit nofile=65536")
        if inside
        else Fix("Raise the limit in the shell that starts the job", ("ulimit -n 65536",)),
    )
