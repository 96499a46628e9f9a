"""What `runtime` found, would change, changed and proved, as values for the report."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.record import Record


class EngineLine(Record):
    """An engine in a line; empty strings where nobody could tell. `config_file`: what it really reads. `restart_needed`: why, or
    empty. `ready`: the nvidia runtime or a usable CDI specification is there; null where that could not be seen."""

    name: str
    endpoint: str
    selected_by: str
    flavour: str
    version: str
    running: bool | None
    config_file: str
    runtimes: tuple[str, ...]
    default_runtime: str
    cdi: tuple[str, ...]
    restart_needed: str
    ready: bool | None


class ProofStep(Record):
    """`ok`: true proven, false disproved, null could not tell. `said`: the evidence."""

    what: str
    ok: bool | None
    said: str = ""


class FileLine(Record):
    """A file that changes, with its unified diff."""

    path: str
    reason: str
    diff: tuple[str, ...]


class ProgramLine(Record):
    """A program that is run afterwards. `stops`: the containers that it would stop."""

    argv: tuple[str, ...]
    reason: str
    stops: tuple[str, ...] = ()


State = Literal["nothing", "pending", "declined", "applied", "unchanged", "rolled-back", "open"]


class ChangeLine(Record):
    """One plan and what came of it. `state`: "nothing" (all is so already), "pending" (not applied), "declined" (consent is
    missing), or the transaction's "applied", "unchanged", "rolled-back", "open". `journal`: the id for `gpudoctor undo`."""

    id: str
    title: str
    applicability: str
    state: State
    files: tuple[FileLine, ...] = ()
    programs: tuple[ProgramLine, ...] = ()
    manual: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    journal: str = ""
    not_run: tuple[str, ...] = ()
    why: str = ""


#: How far a proof goes.
Depth = Literal["config", "container", "gpu"]
