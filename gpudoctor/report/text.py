"""The report for a tired person at two in the morning: what is wrong, how we know, the one command that mends it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gpudoctor import __version__
from gpudoctor.findings import Finding, Fix, Judgement
from gpudoctor.report.model import CheckReport, MachineLine, Report
from gpudoctor.report.style import Style

_APPLICABILITY = {"safe": "safe", "unsafe": "asks before it changes anything", "manual": "by hand"}
#: Without -v so many reasons for "could not look" are shown.
SHOWN_SKIPS = 4
#: And so many names beside one reason; more are counted.
SHOWN_NAMES = 3


def render(report: CheckReport, judgement: Judgement, style: Style, verbose: bool = False) -> str:
    return "\n".join([*_head(report.machine, style), *body(report, judgement, style, verbose)]) + "\n"


def body(report: Report, judgement: Judgement, style: Style, verbose: bool = False) -> list[str]:
    """The findings and the counts, whatever was judged."""
    lines = []
    roots = [f for f in report.findings if f.caused_by is None]
    for finding in roots:
        folded = [f for f in report.findings if f.caused_by == finding.id]
        lines += ["", *finding_lines(finding, folded, style, verbose)]
    return [*lines, "", *_close(report, judgement, style, verbose)]


def _head(machine: MachineLine, style: Style) -> Iterator[str]:
    system = ", ".join(
        p for p in (machine.distribution, f"Linux {machine.kernel}".strip(), machine.architecture) if p
    )
    if machine.wsl:
        system += ", WSL2"
    if machine.container:
        system += f", in a container ({machine.container})"
    yield style.paint(f"gpudoctor {__version__}", "bold") + f"  {system}"
    driver = f"driver {machine.driver}" if machine.driver else "no driver running"
    if machine.driver_cuda:
        driver += f", CUDA up to {machine.driver_cuda}"
    yield f"  {driver}; {_gpus(machine)}"
    parts = [f"CUDA toolkit {t.release or 'of unknown release'} in {t.prefix}" for t in machine.toolkits[:3]]
    parts += [
        f"{f.framework} {f.version}" + ("" if "+" in f.version or not f.cuda else f" (CUDA {f.cuda})")
        for f in machine.frameworks[:6]
    ]
    if parts:
        yield from textwrap.wrap("; ".join(parts), style.width, initial_indent="  ", subsequent_indent="  ")


def _gpus(machine: MachineLine) -> str:
    counts: dict[str, int] = {}
    for gpu in machine.gpus:
        name = gpu.name + (f" ({gpu.compute_capability})" if gpu.compute_capability else "")
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in counts.items()) or "no NVIDIA GPU seen"


def finding_lines(finding: Finding, folded: list[Finding], style: Style, verbose: bool) -> Iterator[str]:
    colour = {"failure": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
    yield f"{style.glyph(finding.severity)} {style.paint(finding.id, 'bold', colour)}{_about(finding)}"
    yield from _wrapped(finding.title, style, 2)
    if finding.severity == "note" and not verbose:
        if finding.fix is not None:
            yield from _fix(finding.fix, style)
        return
    yield from _wrapped(style.paint(finding.explanation, "dim"), style, 4)
    yield from _evidence(finding, style)
    if finding.fix is not None:
        yield from _fix(finding.fix, style)
    if folded:
        names = ", ".join(dict.fromkeys(f.id for f in folded))
        yield from _wrapped(f"also explains: {names}", style, 4)
    if verbose:
        for other in folded:
            yield from _wrapped(f"{other.id}: {other.title}", style, 6)
        for source in finding.sources:
            yield f"    source: {source}"


def _about(finding: Finding) -> str:
    subject = finding.subject
    if subject.kind == "machine":
        return ""
    within = subject.parent.label if subject.kind == "package" and subject.parent else ""
    return f"  [{subject.label or subject.name}{' in ' + within if within else ''}]"


def _evidence(finding: Finding, style: Style) -> Iterator[str]:
    width = max((len(e.what) for e in finding.evidence), default=0)
    for item in finding.evidence:
        via = style.paint(f"  ({item.via})", "dim") if item.via and item.via not in item.value else ""
        first, *rest = item.value.splitlines() or [""]
        yield f"    {item.what:<{width}}  {first}{via}"
        for line in rest:
            yield f"    {'':<{width}}  {line}"


def _fix(fix: Fix, style: Style) -> Iterator[str]:
    yield from _wrapped(
        f"{style.paint('fix', 'bold', 'green')} ({_APPLICABILITY[fix.applicability]}): {fix.summary}",
        style,
        4,
    )
    for command in fix.commands:
        yield f"      {style.paint('$', 'dim')} {command}"


def _wrapped(text: str, style: Style, indent: int) -> Iterator[str]:
    space = " " * indent
    yield from textwrap.wrap(
        text,
        style.width,
        initial_indent=space,
        subsequent_indent=space,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _close(report: Report, judgement: Judgement, style: Style, verbose: bool) -> Iterator[str]:
    s = report.summary
    minor = len({skip.id for skip in report.skipped if skip.minor})
    if report.exit_code == 0:
        healthy = "nothing wrong was found" if not (s.warnings or s.notes) else "nothing is broken"
        healthy += ", in what could be looked at" if minor else ""
        yield f"{style.glyph('ok')} {style.paint(healthy, 'bold')}"
    elif not s.failures and not s.warnings:
        yield f"{style.glyph('warning')} {style.paint('no fault was found, but not everything could be looked at', 'bold')}"
    counts = [count(s.failures, "failure"), count(s.warnings, "warning"), count(s.notes, "note")]
    rest = [
        f"{s.passed} passed",
        f"{s.not_applicable} not applicable",
        f"{s.skipped} could not look" + (f" ({minor} of the past or minor)" if minor else ""),
        f"{s.crashed} crashed",
    ]
    yield from _wrapped(f"{', '.join(counts)}; {', '.join(rest)}", style, 2)
    yield from _skips(report, style, verbose)
    for crash in report.crashed:
        yield from _wrapped(
            f"{style.glyph('failure')} {crash.id} crashed (a bug of gpudoctor): {crash.error}", style, 2
        )
    if verbose:
        yield from _wrapped(f"passed: {', '.join(judgement.passed) or 'none'}", style, 2)
        for reason, names in _by_reason(judgement).items():
            yield from _wrapped(f"not applicable ({reason}): {', '.join(names)}", style, 2)
    if s.failures or s.warnings or s.notes:
        yield style.paint("  `gpudoctor explain CAUSE` has the page of each; -v shows everything", "dim")


def count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _skips(report: Report, style: Style, verbose: bool) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for skip in report.skipped:
        reasons.setdefault(skip.reason, []).append(skip.id)
    shown = list(reasons.items()) if verbose else list(reasons.items())[:SHOWN_SKIPS]
    for reason, names in shown:
        which = list(dict.fromkeys(names))
        listed = ", ".join(which) if verbose or len(which) <= SHOWN_NAMES else f"{len(which)} causes"
        yield from _wrapped(f"could not look: {listed} ({reason})", style, 4)
    if len(shown) < len(reasons):
        yield f"    ... and {len(reasons) - len(shown)} more reasons (-v)"
    helps = {skip.would_help for skip in report.skipped}
    if "root" in helps:
        yield f"    as root more can be seen:  sudo {_program()} check"
    if "host" in helps:
        yield "    on the container's host more can be seen:  gpudoctor check"
    if "wake" in helps:
        yield "    the GPU sleeps; to wake it and ask:  gpudoctor check --wake"


#: Where sudo looks (secure_path), as distributions set it.
_SECURE_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def _program() -> str:
    """How sudo finds this program: it does not look into virtual environments and homes."""
    import shlex
    import sys

    folder, _, name = sys.argv[0].rpartition("/")
    if name == "__main__.py" and sys.executable:
        return f"{shlex.quote(sys.executable)} -m gpudoctor"
    if name != "gpudoctor" or not folder.startswith("/") or folder in _SECURE_PATH:
        return "gpudoctor"
    return shlex.quote(sys.argv[0])


def _by_reason(judgement: Judgement) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for item in judgement.not_applicable:
        grouped.setdefault(item.reason, []).append(item.id)
    return grouped
