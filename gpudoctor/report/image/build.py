"""`image build`'s answer, and the lines while it runs."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.images.building.steps import Built, Step
from gpudoctor.logs.diagnosis import Diagnosis
from gpudoctor.report.diagnosis import shown
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-image-build/1"
#: Of a failed step so many lines are shown.
SHOWN = 20


class BuildAnswer(Record):
    """`id`: the image's, "" where there is none. `failed_step`: its name. `log`: the end of its output."""

    builder: str
    id: str
    tags: tuple[str, ...]
    seconds: float
    timed_out: bool
    steps: tuple[Step, ...]
    failed_step: str
    log: tuple[str, ...]
    error: str
    notes: tuple[str, ...]


class BuildReport(Report):
    """What `gpudoctor image build --format json` prints. `diagnoses`: what the failed step's output betrays, best first."""

    image: BuildAnswer
    diagnoses: tuple[Diagnosis, ...]


def build_report(
    built: Built,
    diagnoses: tuple[Diagnosis, ...],
    notes: tuple[str, ...],
    tags: tuple[str, ...],
    exit_code: int,
) -> BuildReport:
    step = built.failed if not built.ok else None
    answer = BuildAnswer(
        built.builder,
        built.image,
        tags if built.ok else (),
        round(built.seconds, 3),
        built.timed_out,
        tuple(s for s in built.steps if not s.name.startswith("[internal]")),
        step.name if step else "",
        step.lines[-SHOWN:] if step else (),
        built.error,
        notes,
    )
    return BuildReport(
        **head(SCHEMA, "image build", exit_code, Judgement()), image=answer, diagnoses=diagnoses
    )


def news(step: Step, line: str, style: Style, verbose: bool) -> str:
    """What is said of a step while the build runs: how it ended; with -v its output too. Empty: nothing."""
    if step.name.startswith("[internal]"):
        return ""
    if line:
        return style.paint(f"    {line}", "dim") if verbose else ""
    glyph = {"done": "ok", "cached": "ok", "failed": "failure", "cancelled": "warning"}.get(step.state)
    if glyph is None:
        return ""
    took = (
        "cached"
        if step.state == "cached"
        else step.state
        if step.state == "cancelled"
        else f"{step.seconds:.1f} s"
    )
    name = " ".join(step.name.split())
    room = style.width - len(took) - 4
    name = (
        name if len(name) <= room else name[: room - 1] + "…" if style.unicode else name[: room - 3] + "..."
    )
    return f"{style.glyph(glyph)} {name}  {style.paint(took, 'dim')}"


def render(report: BuildReport, style: Style) -> str:
    return "\n".join(_lines(report, style)) + "\n"


def _lines(report: BuildReport, style: Style) -> Iterator[str]:
    image = report.image
    for note in image.notes:
        yield f"{style.glyph('warning')} {note}"
    cached = sum(step.state == "cached" for step in image.steps)
    counted = f"{len(image.steps)} steps, {cached} of them cached, {image.seconds:.1f} s, {image.builder}"
    if report.exit_code == 0:
        name = ", ".join(image.tags) or image.id or "the image"
        yield f"{style.glyph('ok')} {style.paint(name, 'bold')} is built ({counted})"
        if image.id:
            yield f"  {image.id}"
        yield f"  next: gpudoctor image verify {image.tags[0] if image.tags else image.id or 'IMAGE'}"
        return
    yield f"{style.glyph('failure')} {style.paint('not built', 'bold')}: {image.failed_step or 'no step had begun'} ({counted})"
    for line in image.log:
        yield f"    {line}"
    yield f"  {style.paint(image.error, 'red')}"
    if report.diagnoses:
        yield ""
        yield from shown(report.diagnoses[0], style)
    elif not image.timed_out:
        yield "  no known cause is named by these lines"
