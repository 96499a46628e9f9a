"""`compat`'s answer: for machines as a report of the common shape, for people as a few lines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gpudoctor.advice.answer import Answer
from gpudoctor.advice.doubts import Because
from gpudoctor.findings import Evidence
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-compat/1"


class CompatReport(Report):
    """What `gpudoctor compat --format json` prints. `compatible`: null where knowledge ends, and then `because` says
    where. `because` of a yes holds its caveats. `recommend`: the nearest combination that works, or null.
    `understood`: how names and open parts of the question were read."""

    compatible: bool | None
    because: tuple[Because, ...]
    needs: tuple[str, ...]
    recommend: str | None
    understood: tuple[Evidence, ...]


def compat_report(answer: Answer, exit_code: int) -> CompatReport:
    return CompatReport(
        **head(SCHEMA, "compat", exit_code, answer.judgement),
        compatible=answer.compatible,
        because=answer.because,
        needs=answer.needs,
        recommend=answer.recommend or None,
        understood=answer.understood,
    )


def line(answer: Answer) -> Mapping[str, Any]:
    """The answer as one object of a batch."""
    return {
        "compatible": answer.compatible,
        "because": [{"id": b.id, "explanation": b.explanation} for b in answer.because],
        "needs": list(answer.needs),
        "recommend": answer.recommend or None,
        "understood": [{"what": e.what, "value": e.value, "via": e.via} for e in answer.understood],
    }


_WORDS = {True: ("ok", "compatible"), False: ("failure", "not compatible"), None: ("warning", "not known")}


def render(answer: Answer, style: Style) -> str:
    return "\n".join(_lines(answer, style)) + "\n"


def _lines(answer: Answer, style: Style) -> Iterator[str]:
    glyph, words = _WORDS[answer.compatible]
    yield f"{style.glyph(glyph)} {style.paint(words, 'bold')}"
    for because in answer.because:
        yield f"  {style.paint(because.id, 'bold')}"
        yield from wrapped(because.explanation, style, 4)
    for need in answer.needs:
        yield from wrapped(f"needs: {need}", style, 2)
    if answer.recommend:
        yield from wrapped(f"nearest that works: {style.paint(answer.recommend, 'green')}", style, 2)
    yield from reasons(answer.understood, style)


def reasons(items: Iterable[Evidence], style: Style) -> Iterator[str]:
    """Each with its source; one that was just named is not spelled out again."""
    named: set[str] = set()
    for item in items:
        via = "" if not item.via else " (same source)" if item.via in named else f" ({item.via})"
        named.add(item.via if len(item.via) > len("same source") else "")
        yield from wrapped(style.paint(f"{item.what}: {item.value}{via}", "dim"), style, 2)


def wrapped(text: str, style: Style, indent: int) -> Iterator[str]:
    space = " " * indent
    yield from textwrap.wrap(
        text,
        style.width,
        initial_indent=space,
        subsequent_indent=space + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
