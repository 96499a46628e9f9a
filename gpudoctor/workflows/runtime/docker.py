"""`configure docker`: the file that this daemon reads, what tells it to, and the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpudoctor.changes.plan import FileChange, Plan, Validation
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Subject
from gpudoctor.runtimes import docker as text_of
from gpudoctor.runtimes.edited import Edited
from gpudoctor.system.port import Port, which
from gpudoctor.versions import is_version, older
from gpudoctor.workflows.runtime import daemons, find, specs
from gpudoctor.workflows.runtime.edits import change, edited
from gpudoctor.workflows.runtime.find import Request

if TYPE_CHECKING:
    from gpudoctor.probes.container_processes import Daemon

#: dockerd has --validate from this version on.
VALIDATES = "23.0"
#: A daemon's start is told to the hundredth, a file's time by a coarser clock (seconds).
ROUNDED = 0.1
#: And CDI devices from this one on (its release notes; an experiment at first).
CDI = "25.0"


def plan(port: Port, request: Request) -> Plan:
    engine = find.the_engine(port, "docker")
    _refuse_others(engine)
    _refuse_cdi(engine, request)
    path = find.config_path(engine)
    before, text = find.read_text(port, path)
    notes: list[str] = []
    if request.clean:
        cleaned = text_of.clean(text)
        if cleaned is not None and cleaned != text:
            text = cleaned
            notes.append("comments and extra commas are taken out: dockerd does not start with them")
    wanted = _wanted(port, request, engine, text, path)
    edit = text_of.unconfigure if request.remove else text_of.configure
    result = edited(path, text, lambda t: edit(t, wanted))
    notes += result.notes
    verb = "no longer knows" if request.remove else "knows"
    reason = f"Docker {verb} the runtime {request.runtime}"
    if result.changed == ("default-runtime",):
        reason = f"{request.runtime} is Docker's default runtime"
    files = change(path, before, result.text, reason)
    if request.cdi and not request.remove:
        spec = specs.refreshed(port, specs.place(port, engine, wanted.cdi_dirs))
        files += spec.files
        notes += spec.notes
    return _finished(port, request, engine, path, files, result, notes)


def _finished(
    port: Port,
    request: Request,
    engine: Engine,
    path: str,
    files: tuple[FileChange, ...],
    result: Edited,
    notes: list[str],
) -> Plan:
    daemon = find.daemon_of(port, engine)
    why = _why_restart(port, request, engine, result)
    told = daemons.Told()
    if (files and not request.remove) or why:
        told = daemons.docker(port, engine, daemon, why, request.restart)
    elif files and daemon is not None:
        notes.append(
            "the running daemon forgets the runtime when it is started the next time; until then nothing uses it"
        )
    actions = told.actions
    if actions and request.prove and not request.remove:
        actions += (daemons.proof("docker", engine, request),)
        actions += (daemons.proof("docker", engine, request, cdi=True),) if request.cdi else ()
    if port.live and daemon is None and (files or why):
        notes.append("the daemon does not run: it will read its file when it starts; nothing was proven")
    validations = (_validation(port, engine, daemon, path),) if files else ()
    return Plan(
        "runtime-docker",
        f"{'Take' if request.remove else 'Make'} Docker ({engine.flavour}){' back' if request.remove else ' ready for GPUs'}",
        "unsafe" if any(a.stops for a in actions) else "safe",
        Subject("daemon", engine.endpoint, f"docker ({engine.flavour})"),
        files,
        tuple(v for v in validations if v is not None),
        actions,
        manual=told.manual,
        notes=tuple(dict.fromkeys(notes)),
    )


def _why_restart(port: Port, request: Request, engine: Engine, result: Edited) -> str:
    """Why a signal is not enough; empty where it is. On a signal the daemon takes over what its file names, and keeps what the
    file does not name any more (measured with 20.10.24, 26.1.5 and 28.5.2): a default runtime is given up at a start only."""
    if request.remove:
        kept = [key for key in result.changed if not key.startswith("runtimes.")]
        return f"{', '.join(kept)} is given up at a start only" if kept else ""
    if not text_of.only_reload(result.changed):
        late = [key for key in result.changed if not text_of.only_reload((key,))]
        return f"{', '.join(late)} is read at a start only"
    return too_old(port, engine)


def _wanted(port: Port, request: Request, engine: Engine, text: str, path: str) -> text_of.Wanted:
    dirs: tuple[str, ...] = ()
    if request.cdi and engine.flavour == "rootless":
        dirs = (f"{path.rpartition('/')[0].rpartition('/')[0]}/cdi",)
    if request.remove:
        return text_of.Wanted("", request.runtime, cdi=request.cdi, cdi_dirs=dirs)
    existing = edited(
        path, text, lambda t: Edited(str((text_of.read(t).get("runtimes") or {}).get(request.runtime)))
    )
    kept = existing.text != "None" and not request.path and not request.repoint
    if kept and request.default:
        _default_must_work(port, request, engine, text)
    program = find.installed(port, request, engine) if kept else find.program(port, request, engine)
    return text_of.Wanted(
        program, request.runtime, request.default, request.cdi, dirs, request.repoint or bool(request.path)
    )


def _default_must_work(port: Port, request: Request, engine: Engine, text: str) -> None:
    entry = text_of.read(text)["runtimes"][request.runtime]
    named = str(entry.get("path") or "")
    if named and which(port, named, value_of(engine.search_path, "") or find.USUAL_PATH) is None:
        raise GpudoctorError(
            f'the runtime "{request.runtime}" is {named}, which is not there: as the default it would break every container',
            note="nothing was changed",
            hint="--repoint gives it the installed program",
        )


def _refuse_others(engine: Engine) -> None:
    """What looks like Docker and can't be configured here."""
    if engine.flavour == "podman-docker":
        raise GpudoctorError(
            "`docker` is Podman here: there is no daemon to configure",
            context=value_of(engine.client, engine.endpoint),
            hint="gpudoctor runtime configure podman",
        )
    if engine.flavour == "desktop":
        raise GpudoctorError(
            "`docker` talks to Docker Desktop, whose containers run in a virtual machine of its own",
            context=f"{engine.endpoint} ({engine.selected_by})",
            note="on Linux that machine has no NVIDIA GPU; on Windows it has, and nothing needs to be configured",
            hint="`docker context use default` goes back to this machine's own Docker",
        )
    if engine.endpoint and not engine.endpoint.startswith("unix://"):
        raise GpudoctorError(
            f"`docker` talks to {engine.endpoint}, which is not this machine",
            context=engine.selected_by,
            hint="run gpudoctor there",
        )
    if not engine.endpoint and engine.selected_by.startswith("context"):
        raise GpudoctorError(
            f"the {engine.selected_by} does not exist",
            hint="`docker context ls` lists them; `docker context use default` goes back to this machine's own",
        )


def _refuse_cdi(engine: Engine, request: Request) -> None:
    version = value_of(engine.version, "")
    if request.cdi and not request.remove and is_version(version) and older(version, CDI):
        raise GpudoctorError(
            f"Docker {version} knows no CDI devices ({CDI} and later do)",
            context="--cdi",
            note="nothing was changed",
            hint="without --cdi the nvidia runtime is set up, which this Docker knows",
        )


def too_old(port: Port, engine: Engine) -> str:
    """Why `--gpus` needs a restart, or nothing: dockerd looks for the hook only when it starts."""
    if not isinstance(engine.hook, Known) or not isinstance(engine.started, Known):
        return ""
    try:
        came = port.stat(engine.hook.value).ctime
    except OSError:
        return ""
    if came <= engine.started.value + ROUNDED:
        return ""
    return f"dockerd was started before {engine.hook.value} came here, and looks for it only at its start"


def _validation(port: Port, engine: Engine, daemon: Daemon | None, path: str) -> Validation | None:
    """dockerd's own opinion of the file together with its command line: a directive in both keeps it from starting."""
    said = value_of(engine.version, "")
    dockerd = daemon.argv[0] if daemon else which(port, "dockerd", find.USUAL_PATH) or ""
    searched = value_of(engine.search_path, "") or find.USUAL_PATH
    dockerd = which(port, dockerd, searched) or ""
    if not dockerd or (is_version(said) and older(said, VALIDATES)):
        return None
    if port.live and not is_version(said) and not _knows_validate(port, dockerd):
        return None
    flags = _flags(daemon.argv[1:]) if daemon else ()
    return Validation(
        (dockerd, *flags, "--validate", "--config-file", path),
        "dockerd must accept the file",
        env=(("PATH", searched),),
    )


def _knows_validate(port: Port, dockerd: str) -> bool:
    try:
        return "--validate" in port.run([dockerd, "--help"], 10.0).stdout
    except OSError:
        return False


def _flags(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The daemon's own flags without the file that they name."""
    kept: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word == "--config-file":
            skip = True
        elif not word.startswith("--config-file="):
            kept.append(word)
    return tuple(kept)
