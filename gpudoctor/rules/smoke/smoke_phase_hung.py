"""The framework hangs

What it is: A phase of the training did not end within its deadline, many times what it takes on slow machines;
the process was ended.

Why it hurts: A job that hangs holds its GPU and its nodes until somebody looks.

How to tell: The report names the phase; the end of the child's output has Python's stack where it could still
be printed. A hang in context is the driver's, in collective the network's or NCCL's, in compile a compiler's or
its cache's, in p2p the PCIe fabric's (IOMMU, ACS).

How to fix: Look for Xid lines in the kernel log (`dmesg | grep Xid`), and reset or reboot if there are any. For
collective: NCCL_DEBUG=INFO, NCCL_SOCKET_IFNAME, and NCCL_P2P_DISABLE=1 as a test. A slow file system can make
an import hang: --timeout gives more time.

Sources: https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html
https://docs.nvidia.com/deploy/xid-errors/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, lambda p: p.state == "hung"):
        tail = "\n".join(trial.output.splitlines()[-6:])
        yield Problem(
            f"{where(trial)} hangs ({names(phases)})",
            software(trial),
            evidence=(
                *evidence(trial, phases),
                *([Evidence("its last words", tail, "the child's output")] if tail else []),
            ),
            fix=Fix(
                "Look for errors of the driver, then repeat it by itself",
                (
                    "dmesg | grep -i -e xid -e nvrm | tail",
                    f"gpudoctor smoke --python {trial.interpreter} --framework {trial.framework}",
                ),
            ),
        )
