"""The nvcc that would run is a link or a script that leads to nothing

What it is: The first nvcc on PATH (or CUDACXX's) is a symbolic link or a small script that hands over to an nvcc of a
toolkit, and that one is not there any more.

Why it hurts: `nvcc` fails with "not found" or "No such file or directory" although it is on PATH, and builds that take the
folder above it as the toolkit find nothing in it.

How to tell: Links and one-line scripts followed to their end.

How to fix: Remove the link or script, or let it point at a toolkit that is there.

Sources: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html (2.9.1.4 Command Search and Execution)
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.observed import Absent, Unknown
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import selection, tool

explains = ("toolkit-not-on-path", "kernel-does-not-compile")


def check(cuda: Cuda) -> Iterator[Problem | CouldNotTell]:
    chosen = [
        s for name in ("PATH", "CUDACXX", "CMAKE_CUDA_COMPILER") if (s := selection(cuda, name)) is not None
    ]
    if not chosen:
        raise DoesNotApply("no nvcc on PATH")
    toolkits = [t for t in need(cuda.toolkits, "CUDA toolkits") if tool(t, "nvcc")]
    for one in chosen:
        if isinstance(one.prefix, Unknown):
            yield CouldNotTell(one.prefix.reason)
        if not isinstance(one.prefix, Absent):
            continue
        on_path = one.selector == "PATH"
        commands = [f"sudo rm {one.value}" if on_path else f"unset {one.selector}"]
        if toolkits and on_path:
            commands.append(f"sudo ln -s {toolkits[0].prefix}/bin/nvcc {one.value}")
        yield Problem(
            f"{one.value} leads nowhere: {one.prefix.looked_in}",
            severity="failure",
            evidence=(
                Evidence(f"nvcc by {one.selector}", one.value, "; ".join(one.through)),
                Evidence("where it stops", one.prefix.looked_in, one.value),
            ),
            fix=Fix("Remove it, or let it point at a toolkit that is there", tuple(commands)),
        )
