"""`explain`: the pages of the causes."""

from __future__ import annotations

import textwrap

from gpudoctor.errors import GpudoctorError
from gpudoctor.report.style import Style
from gpudoctor.rules.page import page_of
from gpudoctor.rules.registry import Cause, causes, families, find


def explain(name: str | None, form: str, style: Style) -> str:
    """The page of a cause, or the list of a family or of all. Raises GpudoctorError for a name that does not exist."""
    cause = find(name) if name else None
    if cause is not None:
        return _page_json(cause) if form == "json" else _page(cause, style)
    if name and name not in families():
        import difflib

        near = difflib.get_close_matches(name, [*families(), *(c.id for c in causes())], 3, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`gpudoctor explain` lists all causes"
        raise GpudoctorError(f"there is no cause and no family named {name!r}", hint=hint)
    chosen = [c for c in causes() if name in (None, c.family)]
    if form == "json":
        import json

        return (
            json.dumps(
                [{"id": c.id, "family": c.family, "title": page_of(c).title} for c in chosen], indent=2
            )
            + "\n"
        )
    return _list(chosen, style)


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


def _page_json(cause: Cause) -> str:
    import json

    page = page_of(cause)
    data = {
        "id": cause.id,
        "family": cause.family,
        "title": page.title,
        "what_it_is": page.what,
        "why_it_hurts": page.why,
        "how_to_tell": page.tell,
        "how_to_fix": page.fix,
        "explains": sorted(cause.explains),
        "sources": list(page.sources),
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
