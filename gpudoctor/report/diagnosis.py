"""`diagnose`'s answers: for a person, and as JSON."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from gpudoctor.findings import Judgement
from gpudoctor.logs.diagnosis import Diagnosis, Result
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-diagnose/1"


class DiagnoseReport(Report):
    """What `gpudoctor diagnose --format json` prints. `diagnoses`: best first. `findings`: what the rules say of the
    facts in the text."""

    diagnoses: tuple[Diagnosis, ...]


def diagnose_report(result: Result, exit_code: int) -> DiagnoseReport:
    judgement = Judgement(findings=result.findings)
    return DiagnoseReport(**head(SCHEMA, "diagnose", exit_code, judgement), diagnoses=result.diagnoses)


def render(result: Result, style: Style, verbose: bool = False) -> str:
    if not result.diagnoses:
        return (
            f"no cause found in {result.lines} line{'' if result.lines == 1 else 's'}: nothing here names one, and a guess would cost you more\n"
            "  hint: add the lines before the last error, `nvidia-smi`, or `python -m torch.utils.collect_env`; "
            "on the machine itself run `gpudoctor check`\n"
        )
    lines: list[str] = []
    if result.diagnoses[0].basis == "resemblance":
        lines += [
            "nothing here names a cause for certain; by its words the text resembles what others met:",
            "",
        ]
    files = {e.file for d in result.diagnoses for e in d.evidence}
    for number, diagnosis in enumerate(result.diagnoses):
        resembles = diagnosis.basis == "resemblance"
        if number and not verbose and (diagnosis.caused_by or resembles or diagnosis.confidence < 0.5):
            reason = (
                f"follows from {diagnosis.caused_by}"
                if diagnosis.caused_by
                else f"the words resemble it too, {diagnosis.confidence:.0%}"
                if resembles
                else "less likely"
            )
            lines.append(f"  {diagnosis.id} ({reason}): {diagnosis.title}")
            continue
        whole = 2 if verbose else 1 if number == 0 else 0
        lines += [*([""] if number else []), *shown(diagnosis, style, len(files) > 1, whole)]
    return "\n".join(lines) + "\n"


#: Of an explanation so many characters are shown, by whole sentences; all of it with -v.
_ENOUGH = 330


def shown(diagnosis: Diagnosis, style: Style, files: bool = False, whole: int = 1) -> Iterator[str]:
    """`whole`: 0 without the explanation, 1 its beginning, 2 all of it. What to do stands before why: it is what is
    looked for first."""
    kind = (
        "ok" if diagnosis.id == "harmless" else "note" if diagnosis.id == "not-gpu-environment" else "failure"
    )
    colour = {"ok": "green", "note": "cyan", "failure": "red"}[kind]
    sure = "sure" if diagnosis.confidence >= 0.9 else "likely" if diagnosis.confidence >= 0.7 else "possible"
    yield f"{style.glyph(kind)} {style.paint(diagnosis.id, 'bold', colour)}  {sure} ({diagnosis.confidence:.0%})"
    yield from _wrapped(diagnosis.title, style, 2)
    for proof in diagnosis.evidence[:6]:
        where = f"{proof.file}:{proof.line}" if files else f"line {proof.line}"
        yield f"    {style.paint(where, 'dim')}: {_short(proof.text)}"
    if diagnosis.fix is not None:
        yield from _wrapped(f"fix: {diagnosis.fix.summary}", style, 4)
        for command in diagnosis.fix.commands:
            yield f"      {style.paint(command, 'bold')}"
    if whole:
        said = diagnosis.explanation if whole == 2 else _beginning(diagnosis.explanation)
        yield from _wrapped(f"why: {said}", style, 4)
        yield f"    more: gpudoctor explain {diagnosis.id}"


def _beginning(text: str) -> str:
    """Whole sentences, one at least."""
    end = 0
    for match in re.finditer(r"[.?!](?= [A-Z\"])|[.?!]$", text):
        if end and match.end() > _ENOUGH:
            break
        end = match.end()
    return text[:end] or text


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:297] + "..."


def _wrapped(text: str, style: Style, indent: int) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(
        text,
        style.width,
        initial_indent=pad,
        subsequent_indent=pad,
        break_long_words=False,
        break_on_hyphens=False,
    )
