"""`plan`'s answer: for machines as a report of the common shape, for people as a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.advice.choose import Choices
from gpudoctor.advice.commands import Advice, Planned
from gpudoctor.advice.doubts import Because
from gpudoctor.advice.software import Installable, Installation
from gpudoctor.findings import Judgement
from gpudoctor.report.compat import reasons, wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-plan/1"


class PlanReport(Report):
    """What `gpudoctor plan --format json` prints. `plan` is about a framework, `installation` about a driver, a toolkit or a
    library. Both are null where nothing fits (exit 1) or knowledge ends (exit 2): then `because` says why, and `needs`
    what would have to be true."""

    plan: Advice | None
    because: tuple[Because, ...]
    needs: tuple[str, ...]
    installation: Installation | None = None


def plan_report(found: Planned, exit_code: int) -> PlanReport:
    judgement = found.choices.best.verdict.judgement if found.choices.best else Judgement()
    return PlanReport(
        **head(SCHEMA, "plan", exit_code, judgement),
        plan=found.advice,
        because=found.choices.because,
        needs=found.choices.needs,
    )


def software_report(found: Installable, exit_code: int) -> PlanReport:
    return PlanReport(
        **head(SCHEMA, "plan", exit_code, Judgement()),
        plan=None,
        because=found.because,
        needs=found.needs,
        installation=found.installation,
    )


def render(found: Planned, style: Style) -> str:
    choices = found.choices
    lines = _advice(found.advice, style) if found.advice else _refusal(choices, style)
    return "\n".join(lines) + "\n"


def render_software(found: Installable, style: Style) -> str:
    one = found.installation
    return "\n".join(_installation(one, style) if one else _refusal(found, style)) + "\n"


def _installation(one: Installation, style: Style) -> Iterator[str]:
    flavour = f", {one.flavour} kernel modules" if one.flavour else ""
    legacy = " (the last for these GPUs)" if one.legacy else ""
    how = "" if one.method == "windows" else f", {one.method}"
    where = f" on {one.distribution}{how}" if one.distribution else ""
    title = f"{one.target} {one.version}{legacy}{flavour}{where}"
    yield f"{style.glyph('ok')} {style.paint(title, 'bold')}"
    for name in one.left_out:
        yield from wrapped(f"left out: {name}", style, 2)
    for command in one.commands:
        yield f"  {style.paint(command, 'green')}"
    for note in one.notes:
        yield from wrapped(note, style, 2)
    for caveat in one.caveats:
        yield from wrapped(f"caveat: {caveat.explanation}", style, 2)
    yield from reasons(one.reasons, style)


def _refusal(found: Choices | Installable, style: Style) -> Iterator[str]:
    known = found.possible is not None
    glyph, words = ("failure", "nothing fits") if known else ("warning", "not known")
    yield f"{style.glyph(glyph)} {style.paint(words, 'bold')}"
    for because in found.because:
        yield f"  {style.paint(because.id, 'bold')}"
        yield from wrapped(because.explanation, style, 4)
    for need in found.needs:
        yield from wrapped(f"needs: {need}", style, 2)


def _advice(advice: Advice, style: Style) -> Iterator[str]:
    variant = f" ({advice.variant})" if advice.variant else ""
    yield f"{style.glyph('ok')} {style.paint(f'{advice.target} {advice.version}{variant}, Python {advice.python}', 'bold')}"
    for name in advice.left_out:
        yield from wrapped(f"left out: {name}", style, 2)
    if advice.driver:
        yield from wrapped(f"{style.glyph('warning')} needs {advice.driver}", style, 2)
    for command in advice.commands:
        yield f"  {style.paint(command, 'green')}"
    yield from reasons(advice.reasons, style)
    for other in advice.runners_up:
        name = f"{advice.target} {other.version}" + (f" ({other.variant})" if other.variant else "")
        changes = f", with {' and '.join(other.changes)}" if other.changes else ""
        yield from wrapped(f"also works: {name}{changes}", style, 2)
