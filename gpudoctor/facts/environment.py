"""Environment variables that matter to GPUs, the paths, and the file that set each."""

from __future__ import annotations

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record


class Variable(Record):
    """`set_by` is the file and line that sets it ("/home/u/.bashrc:12"), Absent when no start-up file does."""

    name: str
    value: str
    set_by: Observed[str] = UNASKED


class PathEntry(Record):
    """An element of PATH or LD_LIBRARY_PATH. `value` as written ("" is an empty element: the current folder)."""

    variable: str
    value: str
    exists: Observed[bool] = UNASKED
    set_by: Observed[str] = UNASKED


class Environment(Record):
    """`variables`: those on the allow-list that are set (the list is in the probe); nothing else is read."""

    variables: Observed[tuple[Variable, ...]] = UNASKED
    paths: Observed[tuple[PathEntry, ...]] = UNASKED
    shell: Observed[str] = UNASKED
    virtual_env: Observed[str] = UNASKED
    conda_prefix: Observed[str] = UNASKED
