"""`runtime`'s answer: for machines as a report of the common shape, for people as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpudoctor.findings import Finding, Judgement
from gpudoctor.report.changes import Changes
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style
from gpudoctor.runtimes.result import EngineLine, ProofStep

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-runtime/1"


class RuntimeReport(Report):
    """What `gpudoctor runtime ... --format json` prints: `engines` by `status`, `changes` by `configure` and `unconfigure`,
    `proof` by `prove`."""

    engines: tuple[EngineLine, ...]
    changes: Changes
    proof: tuple[ProofStep, ...]


def runtime_report(
    exit_code: int,
    judgement: Judgement = Judgement(),
    engines: tuple[EngineLine, ...] = (),
    changes: Changes = Changes(False, ()),
    proof: tuple[ProofStep, ...] = (),
) -> RuntimeReport:
    return RuntimeReport(
        **head(SCHEMA, "runtime", exit_code, judgement), engines=engines, changes=changes, proof=proof
    )


# ---------------------------------------------------------------- status


def render_status(engines: Sequence[EngineLine], findings: Sequence[Finding], style: Style) -> str:
    lines: list[str] = []
    for engine in engines:
        lines += [*_engine(engine, style), ""]
    if not engines:
        lines += ["no container engine was found", ""]
    for finding in findings:
        if finding.caused_by is None:
            lines.append(f"{style.glyph(finding.severity)} {finding.title}  [{finding.id}]")
            if finding.fix:
                lines += wrapped(finding.fix.summary, style, 4)
                lines += [f"    {style.paint(command, 'green')}" for command in finding.fix.commands]
    return "\n".join(lines).rstrip("\n") + "\n"


def _engine(engine: EngineLine, style: Style) -> Iterator[str]:
    glyph = {True: "ok", False: "warning", None: "note"}[engine.ready]
    ready = {
        True: "set up for GPUs",
        False: "not set up for GPUs",
        None: "not known whether it is set up for GPUs",
    }
    name = " ".join(filter(None, (engine.name, engine.version, f"({engine.flavour})")))
    yield f"{style.glyph(glyph)} {style.paint(name, 'bold')}: {ready[engine.ready]}"
    rows = (
        ("endpoint", engine.endpoint + (f" ({engine.selected_by})" if engine.selected_by else "")),
        ("running", {True: "yes", False: "no", None: ""}[engine.running]),
        ("reads", engine.config_file),
        ("runtimes", ", ".join(engine.runtimes)),
        ("default runtime", engine.default_runtime),
        ("restart needed", engine.restart_needed),
        *(("CDI", spec) for spec in engine.cdi),
    )
    for label, value in rows:
        if value:
            yield from wrapped(f"{label}: {value}", style, 2)


# ---------------------------------------------------------------- proof


def render_proof(steps: Sequence[ProofStep], exit_code: int, style: Style) -> str:
    lines: list[str] = []
    for step in steps:
        glyph, word = {True: ("ok", ""), False: ("failure", "NOT: "), None: ("note", "not known: ")}[step.ok]
        lines.append(f"{style.glyph(glyph)} {word}{step.what}")
        for said in step.said.splitlines():
            lines += wrapped(said, style, 4)
    lines.append({0: "proven", 1: "disproved", 2: "not proven: not everything could be looked at"}[exit_code])
    return "\n".join(lines) + "\n"
