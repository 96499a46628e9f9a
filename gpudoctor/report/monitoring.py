"""The same report for GitHub Actions, Nagios and Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.findings import Finding, Judgement
from gpudoctor.report.model import CheckReport

#: GitHub shows so many errors, and so many warnings, of one step.
#: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
SHOWN = 10


def github(report: CheckReport) -> str:
    """Workflow commands: worst first, ten of each kind; the rest as plain lines of the log.

    ::error title=driver-library-mismatch::driver 550.163.01 in memory, 550.54.14 on disk. Fix: reboot
    """
    lines: list[str] = []
    for severity, word in (("failure", "error"), ("warning", "warning")):
        found = [f for f in report.findings if f.caused_by is None and f.severity == severity]
        lines += [f"::{word} title={_property(f.id)}::{_data(_message(f))}" for f in found[:SHOWN]]
        lines += [f"{word}: {f.id}: {' '.join(_message(f).split())}" for f in found[SHOWN:]]
    for crash in report.crashed[:SHOWN]:
        lines.append(f"::error title={_property(crash.id)} crashed::{_data(crash.error)}")
    if report.skipped and report.exit_code == 2:
        names = ", ".join(dict.fromkeys(s.id for s in report.skipped))
        reasons = "; ".join(list(dict.fromkeys(s.reason for s in report.skipped))[:4])
        lines.append(f"::warning title=gpudoctor could not look::{_data(f'{names} ({reasons})')}")
    lines.append(f"gpudoctor: {summary(report)}")
    return "\n".join(lines) + "\n"


def _message(finding: Finding) -> str:
    fix = finding.fix
    if fix is None:
        return finding.title
    commands = "".join(f"\n$ {command}" for command in fix.commands)
    return f"{finding.title}\nFix: {fix.summary}{commands}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(report: CheckReport) -> str:
    """One line: what is wrong, or what is there."""
    roots = [f for f in report.findings if f.caused_by is None and f.severity != "note"]
    worst = [f for f in roots if f.severity == "failure"] or roots
    if report.exit_code == 0 or not worst:
        start = here(report) if report.exit_code == 0 else "could not look at everything"
        if report.exit_code == 2 and report.skipped:
            start += f": {report.skipped[0].id} ({report.skipped[0].reason})"
        return start + (f"; warnings: {', '.join(dict.fromkeys(f.id for f in worst))}" if worst else "")
    names = list(dict.fromkeys(f.id for f in worst))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}: {worst[0].title}"


def here(report: CheckReport) -> str:
    machine = report.machine
    names = [gpu.name for gpu in machine.gpus]
    counted = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "no NVIDIA GPU"
    driver = f", driver {machine.driver}" if machine.driver else ""
    return counted + driver + (f", CUDA up to {machine.driver_cuda}" if machine.driver_cuda else "")


# ---------------------------------------------------------------- Nagios

#: https://www.naemon.io/documentation/usersguide/pluginapi.html
NAGIOS = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
#: What a plugin's performance data may not hold unquoted.
_BREAKS = str.maketrans({"|": "/", "\n": " ", "\r": " "})


def nagios_code(report: CheckReport) -> int:
    """0 OK, 1 warnings only, 2 a failure, 3 could not look."""
    if any(f.severity == "failure" for f in report.findings):
        return 2
    if report.exit_code == 2:
        return 3
    return 1 if any(f.severity == "warning" and f.caused_by is None for f in report.findings) else 0


def nagios(report: CheckReport) -> str:
    """One line with performance data, then a line for each finding.

    GPU CRITICAL - gpu-fell-off-bus: GPU 3 is lost | gpus=7;;;0 failures=1;;;0 warnings=0;;;0 skipped=0;;;0
    """
    counts = report.summary
    data = (
        f"gpus={len(report.machine.gpus)};;;0 failures={counts.failures};;;0 "
        f"warnings={counts.warnings};;;0 skipped={counts.skipped};;;0 crashed={counts.crashed};;;0"
    )
    lines = [f"GPU {NAGIOS[nagios_code(report)]} - {summary(report).translate(_BREAKS)} | {data}"]
    for finding in report.findings:
        if finding.caused_by is None and finding.severity != "note":
            lines.append(f"{finding.severity}: {finding.id}: {finding.title}".translate(_BREAKS))
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- Prometheus

_STATES = {"passed": 0, "note": 0, "warning": 1, "failure": 2, "unknown": 3}


def prometheus(report: CheckReport, judgement: Judgement, when: float) -> str:
    """A file for node_exporter's textfile collector. Names and HELP never change: a second file with another HELP for the
    same metric would lose the sample. `when`: seconds since the epoch.

    gpudoctor_cause_state{cause="gpu-fell-off-bus",family="hardware"} 2
    """
    return "\n".join(_metrics(report, judgement, when)) + "\n"


def _metrics(report: CheckReport, judgement: Judgement, when: float) -> Iterator[str]:
    from gpudoctor.rules.registry import causes

    family = {cause.id: cause.family for cause in causes()}
    states: dict[str, str] = {}
    for name, state in (
        *((name, "passed") for name in judgement.passed),
        *((s.id, "unknown") for s in report.skipped),
        *((c.id, "unknown") for c in report.crashed),
        *((f.id, f.severity) for f in reversed(report.findings)),
    ):
        if _STATES[state] >= _STATES[states.get(name, "passed")] or state == "failure":
            states[name] = state
    yield "# HELP gpudoctor_cause_state 0 not found, 1 found as a warning, 2 found as a failure, 3 could not look."
    yield "# TYPE gpudoctor_cause_state gauge"
    for name in sorted(states):
        yield f'gpudoctor_cause_state{{cause="{name}",family="{family.get(name, "")}"}} {_STATES[states[name]]}'
    yield "# HELP gpudoctor_findings Findings that no other one explains, by severity."
    yield "# TYPE gpudoctor_findings gauge"
    for severity, number in (
        ("failure", report.summary.failures),
        ("warning", report.summary.warnings),
        ("note", report.summary.notes),
    ):
        yield f'gpudoctor_findings{{severity="{severity}"}} {number}'
    yield "# HELP gpudoctor_gpus NVIDIA GPUs seen."
    yield "# TYPE gpudoctor_gpus gauge"
    yield f"gpudoctor_gpus {len(report.machine.gpus)}"
    yield "# HELP gpudoctor_exit_code 0 well, 1 something is wrong, 2 could not tell."
    yield "# TYPE gpudoctor_exit_code gauge"
    yield f"gpudoctor_exit_code {report.exit_code}"
    yield "# HELP gpudoctor_last_run_timestamp_seconds When this file was written."
    yield "# TYPE gpudoctor_last_run_timestamp_seconds gauge"
    yield f"gpudoctor_last_run_timestamp_seconds {when:.0f}"
