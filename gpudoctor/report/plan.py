"""`plan`'s answer: for machines as a report of the common shape, for people as a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.advice.commands import Advice, Planned
from gpudoctor.advice.doubts import Because
from gpudoctor.findings import Judgement
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-plan/1"


class PlanReport(Report):
    """What `gpudoctor plan --format json` prints. `plan` is null where nothing fits (exit 1) or knowledge ends (exit 2):
    then `because` says why, and `needs` what would have to be true."""

    plan: Advice | None
    because: tuple[Because, ...]
    needs: tuple[str, ...]


def plan_report(found: Planned, exit_code: int) -> PlanReport:
    judgement = found.choices.best.verdict.judgement if found.choices.best else Judgement()
    return PlanReport(
        **head(SCHEMA, "plan", exit_code, judgement),
        plan=found.advice,
        because=found.choices.because,
        needs=found.choices.needs,
    )


def render(found: Planned, style: Style) -> str:
    lines = _advice(found.advice, style) if found.advice else _refusal(found, style)
    return "\n".join(lines) + "\n"


def _refusal(found: Planned, style: Style) -> Iterator[str]:
    known = found.choices.possible is not None
    glyph, words = ("failure", "nothing fits") if known else ("warning", "not known")
    yield f"{style.glyph(glyph)} {style.paint(words, 'bold')}"
    for because in found.choices.because:
        yield f"  {style.paint(because.id, 'bold')}"
        yield from wrapped(because.explanation, style, 4)
    for need in found.choices.needs:
        yield from wrapped(f"needs: {need}", style, 2)


def _advice(advice: Advice, style: Style) -> Iterator[str]:
    variant = f" ({advice.variant})" if advice.variant else ""
    yield f"{style.glyph('ok')} {style.paint(f'{advice.target} {advice.version}{variant}, Python {advice.python}', 'bold')}"
    for name in advice.left_out:
        yield from wrapped(f"left out: {name}", style, 2)
    if advice.driver:
        yield from wrapped(f"driver: {advice.driver}", style, 2)
    for command in advice.commands:
        yield f"  {style.paint(command, 'green')}"
    for reason in advice.reasons:
        via = f" ({reason.via})" if reason.via else ""
        yield from wrapped(style.paint(f"{reason.what}: {reason.value}{via}", "dim"), style, 2)
    for other in advice.runners_up:
        name = f"{advice.target} {other.version}" + (f" ({other.variant})" if other.variant else "")
        changes = f", with {' and '.join(other.changes)}" if other.changes else ""
        yield from wrapped(f"also works: {name}{changes}", style, 2)
