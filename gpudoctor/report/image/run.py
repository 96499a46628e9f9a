"""What `image run` prints: host and container beside each other, the findings by side, and smoke."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gpudoctor import __version__
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding
from gpudoctor.images.running.result import Difference, Given, Pair, Result, Sided, SmokeInside
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import MachineLine, Report, head, machine_line
from gpudoctor.report.style import Style
from gpudoctor.report.text import count, finding_lines

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-image-run/1"
#: A value beside another, in columns.
_CELL = 30
#: And so many lines of it without -v.
_ROWS = 3


class SideLine(Record):
    """A side's own check. `tool`: the version of gpudoctor that judged; `machine` null where its facts are not known."""

    tool: str
    exit_code: int
    machine: MachineLine | None


class InsideLine(SideLine):
    """The container. `how`: own (the image's gpudoctor), zipapp, files (nothing ran), none. `error`: why not all was answered."""

    how: str
    words: tuple[str, ...]
    python: str
    why: str
    error: str


class RunAnswer(Record):
    """The container and the host. `differences`: every fact on GPUs that is not the same, `facts` the few that matter most."""

    name: str
    engine: str
    engine_version: str
    gpus: Given
    host: SideLine
    container: InsideLine
    sides: tuple[Sided, ...]
    facts: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    smoke: SmokeInside


class RunReport(Report):
    """What `gpudoctor image run --format json` prints. Findings are of both sides: their evidence "seen on" says which."""

    image: RunAnswer


def run_report(result: Result) -> RunReport:
    inside = result.inside
    answer = RunAnswer(
        result.image,
        result.engine,
        result.engine_version,
        result.given,
        SideLine(result.tool, result.host_exit, machine_line(result.host)),
        InsideLine(
            inside.tool,
            inside.exit_code,
            _line(inside.machine),
            inside.how,
            inside.words,
            inside.python,
            inside.why,
            inside.error,
        ),
        result.sides,
        result.facts,
        result.differences,
        result.smoke,
    )
    return RunReport(**head(SCHEMA, "image run", result.exit_code, result.judgement), image=answer)


def _line(machine: Machine | None) -> MachineLine | None:
    return machine_line(machine) if machine is not None else None


# ---------------------------------------------------------------- for people

_HOW = {
    "own": "checked by its own gpudoctor",
    "zipapp": "checked by this gpudoctor under its Python",
    "files": "nothing runs in it; its files were read",
    "none": "not checked",
}
_SIDES = (("container", "in the container"), ("both", "on both sides"), ("host", "on the host"))


def render(report: RunReport, style: Style, verbose: bool = False) -> str:
    return "\n".join(_lines(report, style, verbose)) + "\n"


def _lines(report: RunReport, style: Style, verbose: bool) -> Iterator[str]:
    image = report.image
    where = f"{image.engine} {image.engine_version}".strip()
    yield style.paint(f"gpudoctor {__version__}", "bold") + f"  {image.name} in {where}"
    tool = f" {image.container.tool}" if image.container.tool not in ("", image.host.tool) else ""
    yield from wrapped(f"{_HOW[image.container.how]}{tool}: {image.container.why}", style, 2)
    yield from _gpus(image.gpus, style)
    if image.facts:
        yield ""
        yield from _table(image, style, verbose)
    for side, words in _SIDES:
        ids = {(s.id, s.subject) for s in image.sides if s.side == side}
        roots = [f for f in report.findings if f.caused_by is None and (f.id, f.subject.name) in ids]
        if roots:
            yield ""
            yield style.paint(f"{words}:", "bold")
        for finding in roots:
            folded = [f for f in report.findings if f.caused_by == finding.id]
            yield from finding_lines(_unmarked(finding), folded, style, verbose)
    if verbose and image.differences:
        yield ""
        yield style.paint("all differences on GPUs (host, container):", "bold")
        for change in image.differences:
            yield f"  {change.where}: {change.host or 'nothing'} | {change.container or 'nothing'}"
    yield ""
    yield from _smoke(image.smoke, style)
    yield from _close(report, style, verbose)


def _unmarked(finding: Finding) -> Finding:
    """The side stands above it already."""
    return finding.replace(evidence=tuple(e for e in finding.evidence if e.what != "seen on"))


def _gpus(gpus: Given, style: Style) -> Iterator[str]:
    if gpus.state == "given":
        yield from wrapped(
            f"GPUs: {' '.join(gpus.gpus.flags) or 'by its default runtime'} ({gpus.gpus.why})", style, 2
        )
    elif gpus.state == "refused":
        glyph = style.glyph("failure")
        flags = " ".join(gpus.gpus.flags) or "its default runtime"
        yield from wrapped(f"{glyph} no container starts with {flags}: {gpus.error}", style, 2)
        if gpus.cause:
            yield f"    see `gpudoctor explain {gpus.cause}`"
        yield "  it was run without GPUs instead"
    elif gpus.state == "no-way":
        yield from wrapped(f"{style.glyph('failure')} run without GPUs: {gpus.gpus.why}", style, 2)
        yield "    `gpudoctor runtime configure` sets an engine up for GPUs; `gpudoctor runtime status` shows it"
    else:
        yield from wrapped(f"run without GPUs: {gpus.gpus.why}", style, 2)


def _table(image: RunAnswer, style: Style, verbose: bool) -> Iterator[str]:
    first = max(len(p.what) for p in image.facts)
    yield style.paint(f"  {'':<{first}}  {'host':<{_CELL}}  container", "dim")
    for pair in image.facts:
        mark = {True: " ", False: "≠" if style.unicode else "#", None: "?"}[pair.same]
        left = _cell(pair.host, style, verbose)
        right = ["the same"] if pair.same else _cell(pair.container, style, verbose)
        for number in range(max(len(left), len(right))):
            name = (
                f"{mark} {pair.what if number == 0 else '':<{first}}" if number == 0 else f"  {'':<{first}}"
            )
            cells = [side[number] if number < len(side) else "" for side in (left, right)]
            yield f"{name}  {cells[0]:<{_CELL}}  {cells[1]}".rstrip()


def _cell(value: str, style: Style, verbose: bool) -> list[str]:
    lines = textwrap.wrap(value, _CELL) or [""]
    if verbose or len(lines) <= _ROWS:
        return lines
    more = "…" if style.unicode else "..."
    return [*lines[: _ROWS - 1], lines[_ROWS - 1][: _CELL - len(more)] + more]


def _smoke(smoke: SmokeInside, style: Style) -> Iterator[str]:
    if smoke.exit_code is None:
        yield from wrapped(f"smoke: not run: {smoke.why}", style, 2)
        return
    if smoke.why:
        yield from wrapped(f"{style.glyph('warning')} smoke: {smoke.why}", style, 0)
    for trial in smoke.trials:
        glyph = style.glyph(
            {"pass": "ok", "fail": "failure", "unkillable": "failure"}.get(trial.verdict, "warning")
        )
        words = f"{glyph} smoke: {trial.framework} {trial.version}: {trial.verdict.upper()}"
        yield from wrapped(words + (f", {trial.why}" if trial.why else ""), style, 0)


def _close(report: RunReport, style: Style, verbose: bool) -> Iterator[str]:
    image, s = report.image, report.summary
    if image.container.error:
        yield from wrapped(f"{style.glyph('warning')} in the container: {image.container.error}", style, 0)
    if report.exit_code == 0:
        yield f"{style.glyph('ok')} {style.paint('nothing is broken, on the host or in the container', 'bold')}"
    elif report.exit_code == 1:
        yield f"{style.glyph('failure')} {style.paint('something is broken', 'bold')}"
    else:
        said = "no fault was found, but not everything could be looked at"
        yield f"{style.glyph('warning')} {style.paint(said, 'bold')}"
    differ = sum(p.same is False for p in image.facts)
    found = ", ".join(
        count(number, word)
        for number, word in ((s.failures, "failure"), (s.warnings, "warning"), (s.notes, "note"))
    )
    differs = f"{count(differ, 'fact')} differ{'s' if differ == 1 else ''}"
    yield f"  {found}; {differs}, {s.skipped} could not look"
    shown = report.skipped if verbose else ()
    for skip in shown:
        yield from wrapped(f"could not look: {skip.id} ({skip.reason})", style, 4)
    yield style.paint("  `gpudoctor explain CAUSE` has the page of each; -v shows everything", "dim")
