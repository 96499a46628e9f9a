"""The host compiler that nvcc is told to take is not there

What it is: NVCC_CCBIN, CUDAHOSTCXX or -ccbin in NVCC_PREPEND_FLAGS names a compiler that does not exist, mostly one that
an upgrade of the distribution has taken away.

Why it hurts: nvcc does not look further: it stops with "Failed to preprocess host compiler properties" or "sh: g++-11: not
found", although another compiler is on PATH.

How to tell: The named program against the file system.

How to fix: Install it, or name one that is there.

Sources: https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#compiler-bindir-directory-ccbin
https://cmake.org/cmake/help/latest/envvar/CUDAHOSTCXX.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import Absent
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import where_to_edit
from gpudoctor.signature import Signature

explains = ("kernel-does-not-compile",)


def check(cuda: Cuda, environment: Environment) -> Iterator[Problem]:
    named = [
        c
        for c in need(cuda.compilers, "host compiler")
        if c.selected_by in ("-ccbin", "NVCC_CCBIN", "CUDAHOSTCXX")
    ]
    if not named:
        raise DoesNotApply("no variable names a host compiler")
    for compiler in named:
        if not isinstance(compiler.version, Absent):
            continue
        variable = "NVCC_PREPEND_FLAGS" if compiler.selected_by == "-ccbin" else compiler.selected_by
        yield Problem(
            f"{compiler.selected_by} names {compiler.path}, which is not there",
            MACHINE,
            "failure",
            (Evidence(compiler.selected_by, compiler.path, compiler.version.looked_in),),
            fix=Fix(
                f"Install that compiler, or unset {variable}" + where_to_edit(environment, variable),
                (f"unset {variable}",),
            ),
        )


signatures: tuple[Signature | str, ...] = (
    Signature(r"nvcc fatal : Cannot find compiler '(?:cl\.exe|g\+\+|gcc|cc)'", 0.95),
    Signature(r"error trying to exec 'cc1plus'", 0.93),
    # Triton, runtime/build.py.
    Signature(r"Failed to find C compiler\. Please specify via CC", 0.95),
    Signature(
        r"(?:unable to execute|command) '(?:gcc|g\+\+|cc|c\+\+)'.{0,30}(?:No such file|failed: No such file)",
        0.8,
    ),
)
