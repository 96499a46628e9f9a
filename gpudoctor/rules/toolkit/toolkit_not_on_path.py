"""A CUDA toolkit is installed, and nvcc is not found

What it is: A toolkit with its nvcc lies in its folder, but that folder's bin is not on PATH and no variable names it. The
installers of NVIDIA's packages and runfiles do not change PATH.

Why it hurts: "nvcc: command not found", and builds that do not look in /usr/local/cuda find no CUDA. Programs that are
already built run all the same.

How to tell: The toolkits that are there against PATH, CUDA_HOME and their kin.

How to fix: Put its bin on PATH in your shell's start-up file. LD_LIBRARY_PATH is not needed for compiling and shadows the
libraries that frameworks bring; if you must set it, the form below leaves no empty element (an empty one means the
current folder), which the usual `...:$LD_LIBRARY_PATH` does when it was not set.

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup
https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import VARIABLES, selection, tool, toolkit_subject
from gpudoctor.versions import numbers


def check(cuda: Cuda) -> Iterator[Problem]:
    found = [
        t
        for t in need(cuda.toolkits, "CUDA toolkits")
        if tool(t, "nvcc") and t.origin in ("runfile", "distribution", "hpc-sdk", "unknown")
    ]
    if not found:
        raise DoesNotApply("no toolkit with nvcc")
    if any(selection(cuda, name) is not None for name in ("PATH", *VARIABLES)):
        return
    link = selection(cuda, "/usr/local/cuda")
    by_link = [
        t
        for t in found
        if link is not None and isinstance(link.prefix, Known) and t.real_prefix == link.prefix.value
    ]
    newest = max(by_link or found, key=lambda t: numbers(value_of(t.release, "0")))
    prefix = "/usr/local/cuda" if by_link else newest.prefix
    library = next((d for d in ("lib64", "lib") if d in newest.library_dirs), "")
    commands = [f"echo 'export PATH={prefix}/bin${{PATH:+:$PATH}}' >> ~/.bashrc"]
    if library:
        commands.append(
            "# only if a program that you built asks for it: "
            f"export LD_LIBRARY_PATH={prefix}/{library}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
        )
    yield Problem(
        f"CUDA {value_of(newest.release, '')} is installed in {newest.prefix}, but nvcc is not on PATH".replace(
            "  ", " "
        ),
        toolkit_subject(newest),
        "note",
        (
            *(
                Evidence("toolkit", f"{t.prefix} ({value_of(t.release, 'release not known')})", t.origin)
                for t in found
            ),
            Evidence("nvcc on PATH", "not there", "PATH"),
        ),
        fix=Fix("Put its bin on PATH, then open a new shell", tuple(commands), "safe"),
    )
