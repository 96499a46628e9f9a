"""The shape of a report as JSON has it; the published schema is generated from these types."""

from __future__ import annotations

from typing import Any

from gpudoctor import __version__
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Observed, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Crash, Finding, Judgement, Skip, Verdict
from gpudoctor.rules.judging import devices, driver_cuda, driver_version

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-check/1"


class Tool(Record):
    name: str = "gpudoctor"
    version: str = __version__


class Summary(Record):
    """Counts of root findings (a folded one counts with its cause), and of rules."""

    failures: int
    warnings: int
    notes: int
    passed: int
    skipped: int
    crashed: int
    not_applicable: int


class GpuLine(Record):
    """A GPU in a line: empty strings where nobody could tell."""

    name: str
    uuid: str
    compute_capability: str
    pci: str


class ToolkitLine(Record):
    prefix: str
    release: str


class FrameworkLine(Record):
    framework: str
    version: str
    cuda: str
    interpreter: str


class MachineLine(Record):
    """The machine in a few words; `gpudoctor snapshot` has all of it. Empty: not there or not known."""

    distribution: str
    kernel: str
    architecture: str
    wsl: bool
    container: str
    driver: str
    driver_cuda: str
    gpus: tuple[GpuLine, ...]
    toolkits: tuple[ToolkitLine, ...]
    frameworks: tuple[FrameworkLine, ...]


class Report(Record):
    """The head of every command's JSON. `taken_at` in UTC, ISO 8601. `findings`: worst first, folded ones
    (`caused_by` names the root) last. A command adds an object under its own name."""

    schema: str
    tool: Tool
    taken_at: str
    command: str
    exit_code: int
    findings: tuple[Finding, ...]
    skipped: tuple[Skip, ...]
    crashed: tuple[Crash, ...]
    summary: Summary


class PreflightAnswer(Record):
    """`policy`: its file, or "preflight" for the built-in one (a GPU that can be used). `requirements`: each with what
    was found and by what it was judged. `allowed`: ids of causes that the policy let pass here."""

    policy: str
    baseline: str
    requirements: tuple[Verdict, ...]
    allowed: tuple[str, ...]
    command: tuple[str, ...]


class CheckReport(Report):
    """What `gpudoctor check --format json` prints."""

    machine: MachineLine


def summarise(judgement: Judgement) -> Summary:
    roots = [f for f in judgement.findings if f.caused_by is None]
    return Summary(
        failures=sum(f.severity == "failure" for f in roots),
        warnings=sum(f.severity == "warning" for f in roots),
        notes=sum(f.severity == "note" for f in roots),
        passed=len(judgement.passed),
        skipped=len({s.id for s in judgement.skipped}),
        crashed=len(judgement.crashed),
        not_applicable=len(judgement.not_applicable),
    )


def head(schema: str, command: str, exit_code: int, judgement: Judgement) -> dict[str, Any]:
    """The fields of `Report`, for a command's own record: `CheckReport(**head(...), machine=...)`."""
    import time

    return {
        "schema": schema,
        "tool": Tool(),
        "taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": command,
        "exit_code": exit_code,
        "findings": judgement.findings,
        "skipped": judgement.skipped,
        "crashed": judgement.crashed,
        "summary": summarise(judgement),
    }


def _text(observed: Observed[object]) -> str:
    return str(observed.value) if isinstance(observed, Known) else ""


def machine_line(machine: Machine) -> MachineLine:
    host = machine.host
    distribution = value_of(host.distribution, None)
    inside = value_of(machine.containers.inside, None)
    gpus = [
        GpuLine(
            _text(d.name) or "a GPU that does not tell its name",
            _text(d.nvml.uuid) if d.nvml else "",
            _text(d.compute_capability),
            d.pci.address if d.pci else _text(d.nvml.pci) if d.nvml else "",
        )
        for d in devices(machine.gpu)
    ]
    seen = {g.pci.lower()[-10:] for g in gpus}
    for pci in value_of(machine.gpu.pci, ()):
        if pci.vendor == 0x10DE and pci.is_display and pci.address.lower()[-10:] not in seen:
            gpus.append(GpuLine(f"NVIDIA device {pci.device:04x}", "", "", pci.address))
    frameworks = [
        FrameworkLine(b.framework, b.version, _text(b.cuda), i.path)
        for i in value_of(machine.frameworks.interpreters, ())
        for b in i.builds
    ]
    toolkits = [ToolkitLine(t.prefix, _text(t.release)) for t in value_of(machine.cuda.toolkits, ())]
    return MachineLine(
        distribution.name if distribution else "",
        _text(host.kernel),
        _text(host.architecture),
        isinstance(host.wsl, Known),
        inside.kind if inside else "",
        _text(driver_version(machine.driver, machine.gpu)),
        _text(driver_cuda(machine.gpu)),
        tuple(gpus),
        tuple(toolkits),
        tuple(frameworks),
    )


def check_report(
    machine: Machine, judgement: Judgement, exit_code: int, command: str = "check"
) -> CheckReport:
    return CheckReport(**head(SCHEMA, command, exit_code, judgement), machine=machine_line(machine))


#: As SCHEMA, for `preflight`.
PREFLIGHT_SCHEMA = "gpudoctor-preflight/1"


class PreflightReport(CheckReport):
    """What `gpudoctor preflight --format json` prints."""

    preflight: PreflightAnswer


def preflight_report(
    machine: Machine,
    judgement: Judgement,
    exit_code: int,
    requirements: tuple[Verdict, ...],
    command: tuple[str, ...],
) -> PreflightReport:
    expectation = machine.expectation
    allowed = [f.id for f in judgement.findings if any(e.what == "allowed" for e in f.evidence)]
    answer = PreflightAnswer(
        expectation.policy, expectation.baseline, requirements, tuple(dict.fromkeys(allowed)), command
    )
    return PreflightReport(
        **head(PREFLIGHT_SCHEMA, "preflight", exit_code, judgement),
        machine=machine_line(machine),
        preflight=answer,
    )
