"""What `image plan` prints: what was chosen and why, the files, the line that starts the image."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.advice.commands import Planned
from gpudoctor.advice.doubts import Because
from gpudoctor.findings import Judgement
from gpudoctor.images.planned import ImagePlan
from gpudoctor.report.compat import reasons, wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-image-plan/1"


class ImagePlanReport(Report):
    """What `gpudoctor image plan --format json` prints. `image` is null where nothing fits: then `because` says why, `needs`
    what would have to be true, and `nearest` what works instead."""

    image: ImagePlan | None
    because: tuple[Because, ...]
    needs: tuple[str, ...]
    nearest: str


def image_plan_report(
    plan: ImagePlan | None, found: Planned, nearest: str, judgement: Judgement, exit_code: int
) -> ImagePlanReport:
    return ImagePlanReport(
        **head(SCHEMA, "image plan", exit_code, judgement),
        image=plan,
        because=found.choices.because,
        needs=found.choices.needs,
        nearest=nearest,
    )


def render(report: ImagePlanReport, found: Planned, written: str, style: Style) -> str:
    lines = list(_plan(report.image, written, style) if report.image else _refusal(report, found, style))
    for finding in report.findings:
        lines += wrapped(f"{style.glyph(finding.severity)} {finding.id}: {finding.title}", style, 2)
        if finding.fix is not None:
            lines += wrapped(f"fix: {finding.fix.summary}", style, 4)
    for skip in report.skipped:
        lines += wrapped(f"could not look: {skip.id} ({skip.reason})", style, 2)
    return "\n".join(lines) + "\n"


def _refusal(report: ImagePlanReport, found: Planned, style: Style) -> Iterator[str]:
    if found.advice is not None:
        yield f"{style.glyph('failure')} {style.paint('what was asked for would not build', 'bold')}"
        return
    known = found.choices.possible is not None
    glyph, words = ("failure", "nothing fits") if known else ("warning", "not known")
    yield f"{style.glyph(glyph)} {style.paint(words, 'bold')}"
    for because in report.because:
        yield f"  {style.paint(because.id, 'bold')}"
        yield from wrapped(because.explanation, style, 4)
    for need in report.needs:
        yield from wrapped(f"needs: {need}", style, 2)
    if report.nearest:
        yield from wrapped(f"works: {report.nearest}", style, 2)


def _plan(plan: ImagePlan, written: str, style: Style) -> Iterator[str]:
    head = (
        f"{plan.name}: {plan.target} {plan.version}, CUDA {plan.cuda}, Python {plan.python}, {plan.platform}"
    )
    yield f"{style.glyph('ok')} {style.paint(head, 'bold')}"
    yield from wrapped(
        f"FROM {plan.base.image}" + (f"@{plan.base.digest}" if plan.base.digest else ""), style, 2
    )
    for name in plan.left_out:
        yield from wrapped(f"left out: {name}", style, 2)
    if plan.driver:
        yield from wrapped(f"{style.glyph('warning')} needs {plan.driver}", style, 2)
    if written:
        yield from wrapped(f"written to {written}: {', '.join(f.path for f in plan.files)}", style, 2)
        yield f"  {style.paint(f'docker build -t {plan.name} {written}', 'green')}"
    for line in plan.run:
        yield f"  {style.paint(line.command, 'green')}"
    yield from reasons(plan.reasons, style)
    if not written:
        yield ""
        yield from plan.files[0].text.splitlines()
        yield ""
        yield "  --output FOLDER writes this Dockerfile, a lock, compose.yaml and devcontainer.json"
