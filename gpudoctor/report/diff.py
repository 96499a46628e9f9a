"""`diff`'s answer: for machines as a report of the common shape, for people as lines."""

from __future__ import annotations

import textwrap

from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-diff/1"


class Difference(Record):
    """`before` and `after` are short texts; "" where there was nothing."""

    where: str
    before: str
    after: str


class DiffAnswer(Record):
    """`appeared`, `gone`: ids of findings that only the second, only the first snapshot gives rise to."""

    changes: tuple[Difference, ...]
    appeared: tuple[str, ...]
    gone: tuple[str, ...]


class DiffReport(Report):
    """What `gpudoctor diff --format json` prints; `findings` and `summary` are those of the second snapshot."""

    diff: DiffAnswer


def diff_report(answer: DiffAnswer, after: Judgement) -> DiffReport:
    return DiffReport(**head(SCHEMA, "diff", int(bool(answer.changes)), after), diff=answer)


def render(answer: DiffAnswer, style: Style) -> str:
    lines = [f"{style.glyph('failure')} now found: {name}" for name in answer.appeared]
    lines += [f"{style.glyph('ok')} no longer found: {name}" for name in answer.gone]
    for change in answer.changes:
        lines.append(style.paint(change.where, "bold"))
        lines += [style.paint(line, "red") for line in _wrapped("-", change.before, style)]
        lines += [style.paint(line, "green") for line in _wrapped("+", change.after, style)]
    if not answer.changes:
        lines.append("the two machines are the same")
    return "\n".join(lines) + "\n"


def _wrapped(sign: str, text: str, style: Style) -> list[str]:
    return textwrap.wrap(
        text,
        style.width,
        initial_indent=f"  {sign} ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
