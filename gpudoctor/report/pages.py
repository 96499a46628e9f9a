"""`explain`: the pages of the causes."""

from __future__ import annotations

import textwrap

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style
from gpudoctor.rules.page import page_of
from gpudoctor.rules.registry import Cause, causes, families, find

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-explain/1"


class CausePage(Record):
    """A cause's page; `explains`: ids of the causes that are its consequences where it is found."""

    id: str
    family: str
    title: str
    what_it_is: str
    why_it_hurts: str
    how_to_tell: str
    how_to_fix: str
    explains: tuple[str, ...]
    sources: tuple[str, ...]


class ExplainReport(Report):
    """What `gpudoctor explain --format json` prints: the one cause that was named, those of a family, or all."""

    causes: tuple[CausePage, ...]


def choose(name: str | None) -> list[Cause]:
    """The cause of that name, those of that family, or all. Raises GpudoctorError for a name that does not exist."""
    cause = find(name) if name else None
    if cause is not None:
        return [cause]
    if name and name not in families():
        import difflib

        near = difflib.get_close_matches(name, [*families(), *(c.id for c in causes())], 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`gpudoctor explain` lists all causes"
        raise GpudoctorError(f"there is no cause and no family named {name!r}", hint=hint)
    return [c for c in causes() if name in (None, c.family)]


def explain_report(chosen: list[Cause]) -> ExplainReport:
    return ExplainReport(**head(SCHEMA, "explain", 0, Judgement()), causes=tuple(map(_whole, chosen)))


def render(chosen: list[Cause], style: Style, whole: bool) -> str:
    """`whole`: the page of the first, not a list."""
    return _page(chosen[0], style) if whole else _list(chosen, style)


def _list(chosen: list[Cause], style: Style) -> str:
    lines = []
    for family in dict.fromkeys(c.family for c in chosen):
        lines.append(style.paint(family, "bold"))
        mine = [c for c in chosen if c.family == family]
        width = max(len(c.id) for c in mine)
        lines += [f"  {c.id:<{width}}  {page_of(c).title}" for c in mine]
    return "\n".join(lines) + "\n"


def _page(cause: Cause, style: Style) -> str:
    page = page_of(cause)
    lines = [f"{style.paint(cause.id, 'bold')}  ({cause.family})", page.title, ""]
    for heading, text in (
        ("What it is", page.what),
        ("Why it hurts", page.why),
        ("How to tell", page.tell),
        ("How to fix", page.fix),
    ):
        lines.append(style.paint(heading, "bold"))
        lines += textwrap.wrap(
            text, style.width, initial_indent="  ", subsequent_indent="  ", break_long_words=False
        )
        lines.append("")
    explained = sorted(cause.explains)
    if explained:
        lines.append(style.paint("Explains, where it is found", "bold"))
        lines += textwrap.wrap(
            ", ".join(explained),
            style.width,
            initial_indent="  ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        lines.append("")
    lines.append(style.paint("Sources", "bold"))
    lines += [f"  {source}" for source in page.sources]
    return "\n".join(lines) + "\n"


def _whole(cause: Cause) -> CausePage:
    page = page_of(cause)
    return CausePage(
        cause.id, cause.family, page.title, page.what, page.why, page.tell, page.fix,
        tuple(sorted(cause.explains)), tuple(page.sources),
    )  # fmt: skip
