"""What `diagnose` answers."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding, Fix


class ProvingLine(Record):
    """A line of the text: its number, counted from 1, in `file`."""

    line: int
    text: str
    file: str


class Diagnosis(Record):
    """`id`: a cause of the catalogue, or `harmless` or `not-gpu-environment`. `confidence`: 0 to 1. `caused_by`: the id
    of the diagnosis of which this one is a consequence. `basis`: what it rests on, a known "wording", "facts" that the text
    tells, or only a "resemblance" to texts about this cause, which is never surer than 0.65."""

    id: str
    confidence: float
    title: str
    explanation: str
    fix: Fix | None
    evidence: tuple[ProvingLine, ...]
    caused_by: str | None
    sources: tuple[str, ...]
    basis: Literal["wording", "facts", "resemblance"] = "wording"


class Result(Record):
    """`findings`: what the rules said of the facts in the text. `lines`: how many lines were kept and read. `text`:
    all of them, for --redact."""

    diagnoses: tuple[Diagnosis, ...]
    findings: tuple[Finding, ...]
    lines: int

    @property
    def exit_code(self) -> int:
        return 0 if self.diagnoses else 2
