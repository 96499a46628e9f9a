"""`configure containerd`: the file that counts, k3s's and rke2's templates, the restart and the proof."""

from __future__ import annotations

from typing import Any

from gpudoctor.changes.plan import FileChange, Plan, Validation
from gpudoctor.codec import toml_loads
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Subject
from gpudoctor.runtimes import containerd as text_of
from gpudoctor.runtimes import rancher, toml_text
from gpudoctor.runtimes.edited import Edited, Refused
from gpudoctor.system.port import Port, names, text, which
from gpudoctor.versions import is_version, older
from gpudoctor.workflows.runtime import daemons, find, specs
from gpudoctor.workflows.runtime.edits import change, edited
from gpudoctor.workflows.runtime.find import Request


def plan(port: Port, request: Request) -> Plan:
    engine = find.the_engine(port, "containerd")
    path = find.config_path(engine)
    before, content = find.read_text(port, path)
    if rancher.recognised(path, 2) is not None:
        return _rancher_plan(port, request, engine, path, content)
    drop_ins = _drop_ins(port, path, content)
    place = _target(path, content, drop_ins)
    notes = (
        [f"{place} is imported by {path} and names the CRI plugin: it is the file that counts"]
        if place != path
        else []
    )
    if place != path:
        before, content = find.read_text(port, place)
    data = dumped(port, engine, path)
    wanted = _wanted(port, request, engine)
    if request.remove:
        result = edited(place, content, lambda t: text_of.unconfigure(t, wanted))
    else:
        runc = (
            _said(effective(data).get("runtimes", {}).get("runc", {})) if data else _runc_of_main(path, port)
        )
        result = edited(place, content, lambda t: text_of.configure(t, wanted, runc))
    notes += result.notes
    notes += _elsewhere(request.runtime, {path: text_or_empty(port, path), **drop_ins}, place)
    verb = "no longer knows" if request.remove else "knows"
    files = change(place, before, result.text, f"containerd {verb} the runtime {request.runtime}")
    if request.cdi and not request.remove:
        spec = specs.refreshed(port, specs.place(port, engine, ()))
        files += spec.files
        notes += spec.notes
    return _finished(port, request, engine, path, files, notes)


def _finished(
    port: Port, request: Request, engine: Engine, path: str, files: tuple[FileChange, ...], notes: list[str]
) -> Plan:
    daemon = find.daemon_of(port, engine)
    told = daemons.containerd(port, engine, daemon, request.restart) if files else daemons.Told()
    program = _program(port, engine)
    actions = told.actions
    if files and program and port.live and not request.remove and request.prove:
        depth = "container" if daemon is not None and request.restart else "config"
        actions += (daemons.proof("containerd", engine, request, depth),)
    validation = Validation(
        (program, "-c", path, "config", "dump"), "containerd must be able to read its files"
    )
    if files and port.live and daemon is None:
        notes.append("containerd does not run: it will read its files when it starts")
    return Plan(
        "runtime-containerd",
        "Take containerd back" if request.remove else "Make containerd ready for GPUs",
        "safe",
        Subject("daemon", engine.endpoint, "containerd"),
        files,
        (validation,) if files and program else (),
        actions,
        manual=told.manual,
        notes=tuple(dict.fromkeys(notes)),
    )


def _wanted(port: Port, request: Request, engine: Engine) -> text_of.Wanted:
    return text_of.Wanted(
        "" if request.remove else find.program(port, request, engine),
        request.runtime,
        request.default,
        request.cdi,
        request.repoint or bool(request.path),
        request.enable_cri,
        _new_version(engine),
    )


def _new_version(engine: Engine) -> int:
    """containerd 2.x reads version 2 too, but translates it at every start."""
    version = value_of(engine.version, "")
    return 3 if is_version(version) and not older(version, "2.0") else 2


def _drop_ins(port: Port, path: str, content: str) -> dict[str, str]:
    """The imported files with their texts, in containerd's order."""
    folder = path.rpartition("/")[0]
    try:
        imports = [p for p in toml_text.read(content).get("imports") or () if isinstance(p, str)]
        folders = {(p if p.startswith("/") else f"{folder}/{p}").rpartition("/")[0] for p in imports}
        found = text_of.imported(content, folder, {f: tuple(names(port, f)) for f in folders})
    except Refused:
        return {}  # the edit says where it is broken
    texts = {}
    for place in found:
        try:
            texts[place] = text(port, place)
        except OSError:
            continue
    return texts


def text_or_empty(port: Port, path: str) -> str:
    try:
        return text(port, path)
    except OSError:
        return ""


def _elsewhere(runtime: str, files: dict[str, str], place: str) -> list[str]:
    """containerd 2.x adds the files up: what another one says of the runtime holds too."""
    found = []
    for path, content in files.items():
        try:
            named = path != place and text_of.runtime_table(toml_text.read(content), runtime) is not None
        except Refused:
            continue
        if named:
            found.append(f"{path} names the runtime {runtime} too")
    return found


def _target(path: str, content: str, drop_ins: dict[str, str]) -> str:
    return text_of.target(path, content, drop_ins)


# ---------------------------------------------------------------- what containerd makes of it


def _program(port: Port, engine: Engine) -> str:
    """containerd's own program: the running one's, else the one on PATH. Empty where nothing may be run."""
    if not port.live:
        return ""
    searched = value_of(engine.search_path, "")
    daemon = find.daemon_of(port, engine)
    if daemon is not None and daemon.name == "containerd":
        own = which(port, daemon.argv[0], searched)
        if own:
            return own
    return which(port, "containerd", searched or port.env.get("PATH") or find.USUAL_PATH) or ""


def dumped(port: Port, engine: Engine, path: str) -> dict[str, Any] | None:
    """`containerd config dump` of this file: the built-in settings, the file and its imports. None where it can't be had."""
    program = _program(port, engine)
    if not program:
        return None
    try:
        ran = port.run([program, "-c", path, "config", "dump"], 15.0)
        return toml_loads(ran.stdout) if ran.code == 0 else None
    except (OSError, ValueError):
        return None


def effective(data: dict[str, Any]) -> dict[str, Any]:
    """The CRI plugin's `containerd` table in a dump; empty where the plugin is off or of another shape."""
    for version in (3, 2, 1):
        found = toml_text.get(data, ("plugins", text_of.CRI[version], "containerd"))
        if isinstance(found, dict):
            return found
    return {}


def _said(table: dict[str, Any]) -> dict[str, Any]:
    """Without what is left at its zero: a dump names every key."""
    kept = {}
    for key, value in table.items():
        inner = _said(value) if isinstance(value, dict) else value
        if inner not in ("", False, 0, [], {}):
            kept[key] = inner
    return kept


def _runc_of_main(path: str, port: Port) -> dict[str, Any] | None:
    try:
        return text_of.runtime_table(toml_text.read(text(port, path)), "runc")
    except (OSError, Refused):
        return None


# ---------------------------------------------------------------- k3s, rke2


def _rancher_plan(port: Port, request: Request, engine: Engine, path: str, content: str) -> Plan:
    """The generated file is theirs; what they found of the toolkit stands in it already."""
    generated = toml_text.read(content)
    version = text_of.version_of(generated)
    found = rancher.recognised(path, version)
    assert found is not None
    before, template = find.read_text(port, found.template)
    known = text_of.runtime_table(generated, request.runtime) is not None
    notes = []
    if request.remove:
        result = rancher.unconfigure(template, request.runtime)
    elif known and f"runtime {request.runtime}\n" not in template:
        notes.append(f"{found.name} has found the toolkit itself: {path} names the runtime {request.runtime}")
        result = Edited(template)
    else:
        runc = text_of.runtime_table(generated, "runc") or {}
        systemd = bool(toml_text.get(runc, ("options", "SystemdCgroup")))
        program = find.program(port, request, engine)
        result = rancher.configure(template, request.runtime, program, version, systemd)
        notes.append(
            f"started after the toolkit was installed, {found.name} adds its runtimes by itself: try that first"
        )
    if request.default and not request.remove:
        notes.append(
            f"the default runtime is an option of {found.name}: `default-runtime: {request.runtime}` in its config.yaml"
        )
    reason = f"{found.name} writes {path} from it at every start"
    files = change(found.template, before, result.text, reason)
    service = "k3s or k3s-agent" if found.name == "k3s" else "rke2-server or rke2-agent"
    running = isinstance(engine.started, Known)
    manual = (
        (f"sudo systemctl restart {service.partition(' ')[0]}  # or the agent's service",)
        if files and running
        else ()
    )
    return Plan(
        "runtime-containerd",
        f"{'Take back' if request.remove else 'Make ready for GPUs'}: the containerd of {found.name}",
        "safe",
        Subject("daemon", engine.endpoint, f"containerd ({found.name})"),
        files,
        manual=manual,
        notes=tuple(notes),
    )
