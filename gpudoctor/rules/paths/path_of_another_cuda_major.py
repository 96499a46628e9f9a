"""LD_LIBRARY_PATH holds a toolkit of another CUDA major than the nvcc on PATH

What it is: PATH selects a toolkit of one CUDA major, LD_LIBRARY_PATH still names the libraries of another: a line that was
left behind in a start-up file, or the link /usr/local/cuda, which has moved on.

Why it hurts: Libraries carry their major in their names, but the linker's libcudart.so and every tool that looks for
"libcublas.so" does not: programs are compiled with one release's headers and linked or run with the other's libraries.
cuDNN and TensorRT in such a folder are taken before those that frameworks bring.

How to tell: Each LD_LIBRARY_PATH entry that lies in a toolkit, with that toolkit's release, against the nvcc on PATH.

How to fix: Take the stale entry out; programs do not need it to find the toolkit that built them.

Sources: https://man7.org/linux/man-pages/man8/ld.so.8.html
https://github.com/pytorch/pytorch/issues/134929
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Toolkit
from gpudoctor.facts.environment import Environment, PathEntry
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import MACHINE, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import chose, selection, toolkit_of
from gpudoctor.versions import major

NAME = "LD_LIBRARY_PATH"


def check(cuda: Cuda, environment: Environment) -> Iterator[Problem | CouldNotTell]:
    entries = [e for e in need(environment.paths, NAME) if e.variable == NAME and e.value.startswith("/")]
    chosen = selection(cuda, "PATH")
    mine = toolkit_of(cuda, chosen)
    if not entries or chosen is None or mine is None:
        raise DoesNotApply("no nvcc on PATH, or no LD_LIBRARY_PATH")
    if not isinstance(mine.release, Known):
        yield CouldNotTell(f"the release of {mine.prefix}")
        return
    for entry in entries:
        owner = _owner(cuda, entry)
        if owner is None or owner.real_prefix == mine.real_prefix:
            continue
        if not isinstance(owner.release, Known):
            yield CouldNotTell(f"the release of {owner.prefix}")
            continue
        if major(owner.release.value) == major(mine.release.value):
            continue
        place = value_of(entry.set_by, "")
        yield Problem(
            f"{NAME} holds CUDA {owner.release.value} ({entry.value}), nvcc on PATH is CUDA {mine.release.value}",
            Subject("variable", NAME, NAME, MACHINE),
            "warning",
            (chose(chosen), Evidence(NAME, entry.value, place or "environment")),
            fix=Fix(
                f"Take {entry.value} out of {NAME}"
                + (f" in {place}" if place else " in the file that sets it"),
                applicability="unsafe" if place else "manual",
            ),
        )


def _owner(cuda: Cuda, entry: PathEntry) -> Toolkit | None:
    """The toolkit that the folder lies in, by name; a link (/usr/local/cuda) by where it ends."""
    link = selection(cuda, "/usr/local/cuda")
    path = entry.value
    if link is not None and isinstance(link.prefix, Known) and (path + "/").startswith("/usr/local/cuda/"):
        path = link.prefix.value + path[len("/usr/local/cuda") :]
    inside = [
        t
        for t in need(cuda.toolkits, "CUDA toolkits")
        if any((path + "/").startswith(p + "/") for p in (t.prefix, t.real_prefix))
    ]
    return max(inside, key=lambda t: len(t.prefix), default=None)
