"""LD_LIBRARY_PATH has an empty element: libraries are loaded from the current folder

What it is: LD_LIBRARY_PATH begins or ends with a colon, or has two in a row. The dynamic loader takes an empty element for
the current folder. The usual line `export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH` makes one whenever the
variable was not set before.

Why it hurts: Every program loads whatever libcudart.so or libcudnn.so lies in the folder that it is started in, before the
system's: programs work in one folder and fail in the next, and a foreign folder can slip in code.

How to tell: The elements of the variable. A variable that is set but wholly empty counts as not set, and is well.

How to fix: Add the old value only where there is one: ${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}.

Sources: https://man7.org/linux/man-pages/man8/ld.so.8.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import need

NAME = "LD_LIBRARY_PATH"


def check(environment: Environment) -> Iterator[Problem]:
    entries = [e for e in need(environment.paths, NAME) if e.variable == NAME]
    full = [e.value for e in entries if e.value]
    if not full:
        raise DoesNotApply(f"{NAME} is not set")
    if len(full) == len(entries):
        return
    places = [place for e in entries if (place := value_of(e.set_by, ""))]
    where = f" in {places[0]}" if places else " in the file that sets it"
    yield Problem(
        f"{NAME} has an empty element, which means the current folder",
        Subject("variable", NAME, NAME, MACHINE),
        "warning",
        (Evidence(NAME, ":".join(e.value for e in entries), places[0] if places else "environment"),),
        fix=Fix(
            f"Write the line{where} so that nothing is appended to nothing",
            (f"export {NAME}={full[0]}${{{NAME}:+:${NAME}}}",),
            "safe" if places else "manual",
        ),
    )
