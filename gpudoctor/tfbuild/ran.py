"""A run's end."""

from __future__ import annotations

from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding
from gpudoctor.tfbuild.preflight.model import Row
from gpudoctor.tfbuild.state import Stage
from gpudoctor.tfbuild.tree import Tree


class Ran(Record):
    """A run's end. `stages`: those that were asked for, in order, as the state has them; `lines`: what --dry-run would do, by stage.

    `failed`: the stage that stopped it, "" for none."""

    tree: Tree
    workdir: str
    stages: tuple[Stage, ...]
    rows: tuple[Row, ...]
    failed: str = ""
    hint: str = ""
    findings: tuple[Finding, ...] = ()
    lines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dry: bool = False
