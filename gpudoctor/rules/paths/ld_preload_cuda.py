"""LD_PRELOAD puts a CUDA library into every process

What it is: LD_PRELOAD names a CUDA or driver library. The loader opens it in every program, before all others.

Why it hurts: The preloaded copy wins over the one that a framework brings, whatever its RPATH says: versions no longer
fit. A libcuda from elsewhere does not fit the kernel module, and programs that have nothing to do with CUDA fail too if
the file goes away.

How to tell: The names in LD_PRELOAD.

How to fix: Unset LD_PRELOAD, and take its line out of the start-up file.

Sources: https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Evidence, Fix, Problem, Subject
from gpudoctor.parsers.cudalibs import family_of
from gpudoctor.rules.judging import need

_DRIVER = ("libcuda.so", "libnvidia-ml.so")


def check(environment: Environment) -> Iterator[Problem]:
    for variable in need(environment.variables, "environment"):
        if variable.name != "LD_PRELOAD":
            continue
        names = variable.value.replace(":", " ").split()
        ours = [
            n for n in names if family_of(n.rpartition("/")[2]) or n.rpartition("/")[2].startswith(_DRIVER)
        ]
        if not ours:
            continue
        evidence = [Evidence("LD_PRELOAD", name, "environment") for name in ours]
        if isinstance(variable.set_by, Known):
            evidence.append(Evidence("set in", variable.set_by.value, "start-up file"))
        yield Problem(
            f"LD_PRELOAD puts {ours[0]} into every process",
            Subject("variable", "LD_PRELOAD", "LD_PRELOAD"),
            "warning",
            tuple(evidence),
            fix=Fix(
                "Unset LD_PRELOAD where it is set",
                ("unset LD_PRELOAD",),
                "unsafe" if isinstance(variable.set_by, Known) else "manual",
            ),
        )
