"""What `runtime` found and proved, as values for the report."""

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


#: How far a proof goes.
Depth = Literal["config", "container", "gpu"]
