"""`smoke`'s answer: the common head with the run for machines, a table and the fix for people, test cases for CI."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpudoctor import __version__
from gpudoctor.facts.smoke import Phase, Run, Trial
from gpudoctor.findings import Judgement
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style
from gpudoctor.report.text import finding_lines

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-smoke/1"

#: The verdict for people.
WORDS = {
    "pass": "PASS",
    "fail": "FAIL",
    "unconfirmed": "UNCONFIRMED",
    "skipped": "SKIPPED",
    "unkillable": "UNKILLABLE",
    "cpu": "CPU",
}
_GLYPHS = {"pass": "ok", "fail": "failure", "unkillable": "failure", "cpu": "note"}
_STATES = {"passed": "ok", "failed": "failure", "crashed": "failure", "hung": "failure"}
_SHOWN_VALUES = 4


class SmokeReport(Report):
    """What `gpudoctor smoke --format json` prints."""

    smoke: Run


def smoke_report(run: Run, judgement: Judgement, exit_code: int) -> SmokeReport:
    return SmokeReport(**head(SCHEMA, "smoke", exit_code, judgement), smoke=run)


def progress(label: str, framework: str, phase: Phase, exercises: str, style: Style) -> str:
    """A phase in a line, when it has ended."""
    glyph = style.glyph(_STATES.get(phase.state, "note"))
    return (
        f"{glyph} {framework}, {label}: {phase.name} {phase.seconds:.2f} s  {style.paint(exercises, 'dim')}"
    )


def render(report: SmokeReport, style: Style, verbose: bool = False) -> str:
    return "\n".join(_lines(report, style, verbose)) + "\n"


def _lines(report: SmokeReport, style: Style, verbose: bool) -> Iterator[str]:
    trials = report.smoke.trials
    pythons = ", ".join(dict.fromkeys(t.interpreter for t in trials))
    yield style.paint(f"gpudoctor {__version__}", "bold") + f"  smoke, {report.smoke.mode}; {pythons}"
    yield ""
    yield from _table(trials, style)
    for trial in trials:
        if trial.phases and (verbose or trial.verdict not in ("skipped",)):
            yield ""
            yield from _trial(trial, style, verbose)
    roots = [f for f in report.findings if f.caused_by is None]
    # The worst last: the report ends with the fix.
    for finding in reversed(roots):
        yield ""
        yield from finding_lines(
            finding, [f for f in report.findings if f.caused_by == finding.id], style, verbose
        )
    yield ""
    yield from _close(report, style)


def _table(trials: Sequence[Trial], style: Style) -> Iterator[str]:
    """A line a GPU and framework: verdict, times apart, who bears witness."""
    rows: list[tuple[str, ...]] = [("", "device", "framework", "import", "first kernel", "work", "witnesses")]
    for t in trials:
        ran = bool(t.phases)
        proofs = ", ".join(c.name for c in t.channels if c.state == "proves" and c.kind != "placement")
        seconds = [f"{s:.2f} s" if ran else "-" for s in (t.import_s, t.first_kernel_s, t.work_s)]
        rows.append((WORDS[t.verdict], t.label, f"{t.framework} {t.version}", *seconds, proofs or "-"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        glyph = " " if number == 0 else style.glyph(_GLYPHS.get(trials[number - 1].verdict, "warning"))
        yield f"{glyph} {style.paint(line, 'dim') if number == 0 else line}"


def _trial(trial: Trial, style: Style, verbose: bool) -> Iterator[str]:
    yield f"{style.paint(f'{trial.framework} on {trial.label}', 'bold')}: {WORDS[trial.verdict]}"
    yield from wrapped(trial.why, style, 2)
    if trial.device.kind == "cpu":
        yield "  CPU; gpu_proven: false"
    for phase in trial.phases:
        values = [f"{k} {v:.3g}" for k, v in phase.values.items()]
        values = values if verbose else values[:_SHOWN_VALUES]
        glyph = style.glyph(_STATES.get(phase.state, "warning"))
        said = (
            phase.message.splitlines()[0][:100]
            if phase.message and phase.state != "passed"
            else ", ".join(values)
        )
        yield f"  {glyph} {phase.name:<12} {phase.state:<11} {phase.seconds:7.2f} s  {style.paint(said, 'dim')}".rstrip()
    told = verbose or trial.verdict == "unconfirmed" or any(c.state == "contradicts" for c in trial.channels)
    for channel in trial.channels if told else ():
        yield from wrapped(f"{channel.name}: {channel.state}, {channel.value}", style, 4)
    for reason in trial.reasons:
        yield from wrapped(f"note: {reason}", style, 2)
    if verbose and trial.output:
        yield "  output of the child:"
        yield from (f"    {line}" for line in trial.output.splitlines()[-40:])


def _close(report: SmokeReport, style: Style) -> Iterator[str]:
    trials = report.smoke.trials
    if report.exit_code == 0 and all(t.verdict == "pass" for t in trials):
        yield f"{style.glyph('ok')} {style.paint('PASS: the GPU did the work, and that is proved', 'bold')}"
        return
    if report.exit_code == 0:
        said = "clean on the CPU, as --allow-cpu permits; nothing is proved of a GPU"
        yield f"{style.glyph('note')} {style.paint(said, 'bold')}"
        return
    for trial in trials:
        if trial.verdict in ("fail", "unkillable", "unconfirmed", "skipped"):
            where = f" on {trial.label}" if trial.label != "no GPU" else ""
            text = f"{WORDS[trial.verdict]} {trial.framework}{where}: {trial.why}"
            yield from wrapped(text, style, 0)
    fixes = [f.fix for f in report.findings if f.caused_by is None and f.fix is not None]
    if fixes:
        yield from wrapped(f"{style.paint('fix', 'bold', 'green')}: {fixes[0].summary}", style, 0)
        yield from (f"  {style.paint('$', 'dim')} {command}" for command in fixes[0].commands)


def junit(report: SmokeReport) -> str:
    """A suite per framework and device, a test case per phase and one for the verdict."""
    from xml.etree import ElementTree as ET

    from gpudoctor.report.junit import clean

    top = ET.Element("testsuites", name="gpudoctor smoke")
    for trial in report.smoke.trials:
        name = clean(f"gpudoctor.smoke.{trial.framework}.{trial.label}")
        suite = ET.SubElement(top, "testsuite", name=name, timestamp=report.taken_at)
        for phase in trial.phases:
            case = ET.SubElement(
                suite, "testcase", classname=name, name=phase.name, time=f"{phase.seconds:.3f}"
            )
            message = clean(phase.message or phase.state)
            if phase.state in ("failed", "crashed", "hung"):
                ET.SubElement(case, "failure", message=message, type=phase.illness or phase.state)
            elif phase.state != "passed":
                ET.SubElement(case, "skipped", message=message)
        case = ET.SubElement(suite, "testcase", classname=name, name="verdict")
        if trial.verdict in ("fail", "unkillable"):
            ET.SubElement(case, "failure", message=clean(trial.why), type=trial.verdict)
        elif trial.verdict == "unconfirmed":
            ET.SubElement(case, "error", message=clean(trial.why), type=trial.verdict)
        elif trial.verdict == "skipped" or (trial.verdict == "cpu" and not report.smoke.allow_cpu):
            ET.SubElement(case, "skipped", message=clean(trial.why))
        if trial.output and trial.verdict in ("fail", "unkillable"):
            ET.SubElement(suite, "system-out").text = clean(trial.output)
        for tag, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(tag, str(len(suite.findall(f"testcase/{kind}"))))
        suite.set("tests", str(len(suite.findall("testcase"))))
    ET.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"
