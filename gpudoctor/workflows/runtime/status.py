"""`runtime status`: the engines of this machine, and what the rules on containers say of them."""

from __future__ import annotations

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known, Observed, Unknown, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding, Judgement
from gpudoctor.runtimes.result import EngineLine
from gpudoctor.system.port import Port
from gpudoctor.workflows import check
from gpudoctor.workflows.runtime import specs
from gpudoctor.workflows.runtime.docker import too_old
from gpudoctor.workflows.runtime.find import NAMES, open_port


class Status(Record):
    engines: tuple[EngineLine, ...]
    judgement: Judgement
    exit_code: int


def status(name: str = "", root: str = "") -> Status:
    """Of one engine or of all. Exit code: 1 where a finding is a failure or an asked engine is not ready, 2 where that could
    not be seen. Raises GpudoctorError where an engine was asked for that is not here."""
    result = check.run(check.Request(select=("containers",), root=root))
    machine = result.machine
    port = open_port(root)
    try:
        wanted = NAMES.get(name, "")
        found = [e for e in value_of(machine.containers.engines, ()) if not wanted or e.name == wanted]
        lines = tuple(_line(port, engine) for engine in found)
    finally:
        getattr(port, "close", lambda: None)()
    if name and not lines:
        place = f" under {root}" if root else ""
        raise GpudoctorError(f"there is no {name} on this machine{place}")
    judgement = _of(result.judgement, name)
    return Status(lines, judgement, _exit_code(lines, judgement, bool(name)))


def _of(judgement: Judgement, name: str) -> Judgement:
    """Findings of other engines' daemons are left out where one engine was asked for."""
    if not name:
        return judgement

    def mine(finding: Finding) -> bool:
        subject = finding.subject
        return subject.kind != "daemon" or subject.label.startswith(NAMES[name])

    return judgement.replace(findings=tuple(f for f in judgement.findings if mine(f)))


def _exit_code(lines: tuple[EngineLine, ...], judgement: Judgement, asked: bool) -> int:
    if any(f.severity == "failure" and f.caused_by is None for f in judgement.findings):
        return 1
    if not asked:
        return 2 if judgement.crashed or any(line.ready is None for line in lines) else 0
    chosen = [line for line in lines if line.selected_by] or list(lines)
    if any(line.ready is False for line in chosen):
        return 1
    return 2 if any(line.ready is None for line in chosen) else 0


def _line(port: Port, engine: Engine) -> EngineLine:
    named: Observed[tuple[str, ...]] = engine.runtimes
    if not isinstance(named, Known):
        file = engine.file_runtimes
        named = Known(tuple(file.value), file.via) if isinstance(file, Known) else named
    cdi = tuple(
        f"{spec.path}: CDI {value_of(spec.version, '?')}" + (", stale" if spec.missing else "")
        for spec in specs.nvidia_specs(port)
    )
    return EngineLine(
        {v: k for k, v in NAMES.items()}[engine.name],
        engine.endpoint,
        engine.selected_by,
        engine.flavour,
        value_of(engine.version, ""),
        value_of(engine.answers, None) if engine.name == "docker" else _running(engine),
        value_of(engine.config_file, ""),
        tuple(value_of(named, ())),
        value_of(engine.default_runtime, "") or value_of(engine.file_default_runtime, ""),
        cdi,
        too_old(port, engine) if engine.name == "docker" else "",
        _ready(engine, named, bool(cdi)),
    )


def _running(engine: Engine) -> bool | None:
    if engine.name == "podman":
        return None  # it has no daemon
    return None if isinstance(engine.started, Unknown) else isinstance(engine.started, Known)


def _ready(engine: Engine, named: Observed[tuple[str, ...]], cdi: bool) -> bool | None:
    if engine.flavour in ("podman-docker", "desktop"):
        return None
    if cdi and engine.name == "podman":
        return True
    if engine.name == "podman":
        return False
    if value_of(engine.cri_disabled, False):
        return False
    if isinstance(named, Unknown):
        return None
    return any("nvidia" in runtime for runtime in value_of(named, ()))
