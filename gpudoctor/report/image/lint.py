"""What `image lint` prints: a line for each place, as compilers print theirs, and JSON of the common shape."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding, Judgement
from gpudoctor.images.linters import OtherLinter
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style
from gpudoctor.report.text import count

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-image-lint/1"


class Lines(Record):
    """A finding's place. `line` from 1."""

    id: str
    file: str
    line: int


class LintLine(Record):
    """`places`: of the findings, in their order. `others`: what other linters said, or why they did not."""

    files: tuple[str, ...]
    places: tuple[Lines, ...]
    others: tuple[OtherLinter, ...]


class LintReport(Report):
    """What `gpudoctor image lint --format json` prints."""

    image: LintLine


def lint_report(
    files: tuple[str, ...], judgement: Judgement, others: tuple[OtherLinter, ...], exit_code: int
) -> LintReport:
    places = tuple(_place(f) for f in judgement.findings)
    return LintReport(
        **head(SCHEMA, "image lint", exit_code, judgement), image=LintLine(files, places, others)
    )


def _place(finding: Finding) -> Lines:
    file, _, line = finding.subject.name.rpartition(":")
    return Lines(finding.id, file, int(line) if line.isdigit() else 0)


def render(report: LintReport, judgement: Judgement, style: Style, verbose: bool = False) -> str:
    lines: list[str] = []
    ordered = sorted(report.findings, key=lambda f: (_place(f).file, _place(f).line))
    for finding in ordered:
        lines += _finding(finding, style, verbose)
    for other in report.image.others:
        lines += _other(other, style, verbose)
    return "\n".join([*lines, *_close(report, judgement, style, verbose)]) + "\n"


def _finding(finding: Finding, style: Style, verbose: bool) -> Iterator[str]:
    colour = {"failure": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
    yield f"{finding.subject.name}: {style.paint(finding.severity, 'bold', colour)} {style.paint(finding.id, 'bold')}"
    yield from wrapped(finding.title, style, 4)
    if verbose:
        yield from wrapped(style.paint(finding.explanation, "dim"), style, 4)
    for evidence in finding.evidence if verbose else finding.evidence[:1]:
        yield from wrapped(f"{evidence.what}: {evidence.value}", style, 4)
    if finding.fix is not None:
        yield from wrapped(f"fix: {finding.fix.summary}", style, 4)
        for command in finding.fix.commands:
            yield f"      {command}"
    for source in finding.sources if verbose else ():
        yield f"    source: {source}"


def _other(other: OtherLinter, style: Style, verbose: bool) -> Iterator[str]:
    if not other.ran:
        yield style.paint(f"{other.name}: not asked ({other.reason})", "dim")
    for message in other.messages:
        url = f"  {message.url}" if message.url and verbose else ""
        yield f"{message.file}:{message.line}: {message.level} {other.name} {message.code}"
        yield from wrapped(message.message + url, style, 4)


def _close(report: LintReport, judgement: Judgement, style: Style, verbose: bool) -> Iterator[str]:
    s = report.summary
    if not report.findings:
        yield f"{style.glyph('ok')} {style.paint('nothing was found', 'bold')} in {', '.join(report.image.files)}"
    found = ", ".join(
        count(number, word)
        for number, word in ((s.failures, "failure"), (s.warnings, "warning"), (s.notes, "note"))
    )
    yield f"  {found}; {count(s.passed, 'rule')} passed, {s.not_applicable} not applicable"
    for skip in report.skipped:
        yield from wrapped(f"could not look: {skip.id} ({skip.reason})", style, 2)
    for crash in report.crashed:
        yield from wrapped(f"{crash.id} crashed (a bug of gpudoctor): {crash.error}", style, 2)
    if verbose:
        yield from wrapped(f"passed: {', '.join(judgement.passed) or 'none'}", style, 2)
        for item in judgement.not_applicable:
            yield from wrapped(f"not applicable: {item.id} ({item.reason})", style, 2)
