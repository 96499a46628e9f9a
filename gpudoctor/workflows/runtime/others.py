"""`configure crio`, `podman` and `toolkit`."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, FileChange, Plan
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Subject
from gpudoctor.probes import containers
from gpudoctor.runtimes import cdi, toolkit_config
from gpudoctor.runtimes import crio as crio_text
from gpudoctor.runtimes.edited import Edited, Refused
from gpudoctor.system.port import Port, exists, names
from gpudoctor.versions import is_version, older
from gpudoctor.workflows.runtime import daemons, find, specs
from gpudoctor.workflows.runtime.edits import change, edited
from gpudoctor.workflows.runtime.find import Request

#: Podman takes CDI devices from this version on.
PODMAN_CDI = "4.1"


def crio(port: Port, request: Request) -> Plan:
    engine = find.the_engine(port, "crio")
    files: dict[str, str] = {}
    for path in (crio_text.MAIN, *(f"{crio_text.FOLDER}/{name}" for name in names(port, crio_text.FOLDER))):
        before, text = find.read_text(port, path)
        if before is not None:
            files[path] = text
    for path, text in files.items():
        edited(path, text, _readable)
    place = crio_text.target(files, request.runtime)
    before, text = find.read_text(port, place)
    wanted = crio_text.Wanted(
        "" if request.remove else find.program(port, request, engine),
        request.runtime,
        request.default,
        request.repoint or bool(request.path),
    )
    edit = crio_text.unconfigure if request.remove else crio_text.configure
    result = edited(place, text, lambda t: edit(t, wanted))
    changed = _or_gone(
        change(place, before, result.text, "CRI-O's nvidia runtime"), place == crio_text.DROP_IN
    )
    running = find.daemon_of(port, engine) is not None
    actions: tuple[Action, ...] = ()
    if changed and port.live and request.prove and not request.remove:
        actions = (daemons.proof("crio", engine, request, "config"),)
    return Plan(
        "runtime-crio",
        "Take CRI-O back" if request.remove else "Make CRI-O ready for GPUs",
        "safe",
        Subject("daemon", engine.endpoint, "cri-o"),
        changed,
        actions=actions,
        manual=("sudo systemctl restart crio",) if changed and (running or not port.live) else (),
        notes=result.notes,
    )


def _readable(text: str) -> Edited:
    from gpudoctor.runtimes import toml_text

    toml_text.read(text)
    return Edited(text)


def _or_gone(files: tuple[FileChange, ...], own: bool) -> tuple[FileChange, ...]:
    """A file of ours in which nothing is left goes."""
    return tuple(f.replace(after=None) if own and not (f.after or b"").strip() else f for f in files)


def podman(port: Port, request: Request) -> Plan:
    engine = find.the_engine(port, "podman")
    version = value_of(engine.version, "")
    if is_version(version) and older(version, PODMAN_CDI):
        raise GpudoctorError(
            f"Podman {version} knows no CDI devices (4.1 and later do)",
            hint="update Podman",
            note="nothing was changed",
        )
    place = specs.place(port, engine, ())
    if request.remove:
        files, notes = _without_spec(port, place)
    else:
        spec = specs.refreshed(port, place)
        files, notes = spec.files, list(spec.notes)
    actions: tuple[Action, ...] = ()
    if files and port.live and request.prove and not request.remove:
        actions = (daemons.proof("podman", engine, request),)
    return Plan(
        "runtime-podman",
        "Take Podman back" if request.remove else "Make Podman ready for GPUs",
        "safe",
        Subject("daemon", "podman", f"podman ({engine.flavour})"),
        files,
        actions=actions,
        notes=tuple(notes),
    )


def _without_spec(port: Port, place: str) -> tuple[tuple[FileChange, ...], list[str]]:
    before, text = find.read_text(port, place)
    if before is None:
        return (), []
    if not cdi.ours(text):
        return (), [f"{place} was not written by gpudoctor: it stays; other engines may use it too"]
    return (FileChange(place, before, None, "the specification that gpudoctor wrote"),), []


def toolkit(port: Port, request: Request) -> Plan:
    path = toolkit_config.PATH
    if not request.settings:
        raise GpudoctorError(
            "configure toolkit wants to be told which of its settings",
            context="--set",
            note=f"its settings: {', '.join(toolkit_config.KEYS)}",
            hint="gpudoctor runtime configure toolkit --set nvidia-container-cli.no-cgroups=false",
        )
    before, text = find.read_text(port, path)
    if before is None:
        raise GpudoctorError(
            f"{path} is not there", note="nothing was changed", hint="the NVIDIA Container Toolkit brings it"
        )
    notes: list[str] = []
    if request.remove:
        keys = tuple(given.partition("=")[0] for given in request.settings)
        for key in keys:
            if key not in toolkit_config.KEYS:
                raise GpudoctorError(f"the toolkit has no setting {key}", context="--set")
        result = edited(path, text, lambda t: toolkit_config.unset(t, keys))
    else:
        wanted = {}
        for given in request.settings:
            key, equals, value = given.partition("=")
            if not equals:
                raise GpudoctorError(f"{given} is no KEY=VALUE", context="--set")
            try:
                wanted[key] = toolkit_config.value_of(key, value)
            except Refused as refused:
                raise GpudoctorError(refused.problem, context="--set", hint=refused.hint) from None
        notes += _missing(port, wanted)
        result = edited(path, text, lambda t: toolkit_config.put(t, wanted))
    return Plan(
        "runtime-toolkit",
        "Set the NVIDIA Container Toolkit's own options",
        "safe",
        Subject("file", path, path),
        change(path, before, result.text, "the next container is started with it"),
        notes=tuple(notes),
    )


def _missing(port: Port, wanted: dict[str, bool | str]) -> list[str]:
    """A program or folder that is named and not there would break every container."""
    for key, value in wanted.items():
        if key.rpartition(".")[2] in ("ldconfig", "root", "path") and isinstance(value, str) and value:
            plain = value.removeprefix("@")
            if plain.startswith("/") and not exists(port, plain):
                raise GpudoctorError(
                    f"{plain} is not there",
                    context=f"--set {key}",
                    note="nothing was changed: no container would start",
                )
    rootful = any(
        e.flavour == "rootful" and value_of(e.answers, False)
        for e in value_of(containers.engines(port), ())
        if e.name == "docker"
    )
    if wanted.get("nvidia-container-cli.no-cgroups") is True and rootful:
        return ["no-cgroups is for rootless containers: a rootful Docker's containers lose the GPU with it"]
    return []
