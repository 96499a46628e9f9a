"""PATH or LD_LIBRARY_PATH names a CUDA folder that does not exist

What it is: A start-up file puts a CUDA, cuDNN or NVIDIA folder on PATH or LD_LIBRARY_PATH that is not there (any more): the
toolkit was removed or replaced, or the name is misspelt.

Why it hurts: By itself nothing; but it shows that the machine is not set up as somebody meant it to be, and the folder comes
back to life, first in line, when a toolkit of that name is installed again.

How to tell: Each entry with such a name against the file system. Two kinds are left alone: what a container image has
set for itself (NVIDIA's images name /usr/local/nvidia and /usr/local/cuda/bin in all their variants), and Windows' folders
on WSL's PATH.

How to fix: Take it out of the file that sets it.

Sources: https://man7.org/linux/man-pages/man8/ld.so.8.html
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.environment import Environment, PathEntry
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import in_container, need

OURS = re.compile(r"cuda|cudnn|nvidia|tensorrt|nccl|nvhpc|hpc_sdk", re.I)
#: Set by whoever made the image or by Windows, not by a person on this machine.
NOT_OURS = re.compile(r"/usr/local/nvidia/(lib|lib64|bin)/?$|/mnt/[a-z]/")


def check(environment: Environment, containers: Containers) -> Iterator[Problem]:
    entries = [
        e for e in need(environment.paths, "PATH") if OURS.search(e.value) and not NOT_OURS.match(e.value)
    ]
    if in_container(containers.inside):
        entries = [e for e in entries if isinstance(e.set_by, Known)]
    if not entries:
        raise DoesNotApply("no CUDA folder on PATH or LD_LIBRARY_PATH")
    missing = [e for e in entries if isinstance(e.exists, Known) and not e.exists.value]
    for variable in dict.fromkeys(e.variable for e in missing):
        yield _problem(variable, [e for e in missing if e.variable == variable])


def _problem(variable: str, missing: list[PathEntry]) -> Problem:
    places = tuple(dict.fromkeys(place for e in missing if (place := value_of(e.set_by, ""))))
    what = missing[0].value if len(missing) == 1 else f"{len(missing)} CUDA folders"
    where = f" in {', '.join(places)}" if places else " in the file that sets it"
    return Problem(
        f"{variable} names {what}, which {'does' if len(missing) == 1 else 'do'} not exist",
        Subject("variable", variable, variable, MACHINE),
        "note",
        tuple(Evidence(variable, e.value, value_of(e.set_by, "environment")) for e in missing),
        fix=Fix(
            f"Take {'it' if len(missing) == 1 else 'them'} out of {variable}{where}",
            applicability="safe" if places else "manual",
        ),
    )
