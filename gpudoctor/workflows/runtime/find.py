"""Which daemon is meant, which file it reads, where the runtime's program lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.facts.record import Record
from gpudoctor.probes import containers
from gpudoctor.probes.container_engines import USUAL_PATH as USUAL_PATH
from gpudoctor.probes.container_engines import endpoint_of, same_socket
from gpudoctor.probes.container_others import CONTAINERD, address
from gpudoctor.system.port import Port, which

if TYPE_CHECKING:
    from gpudoctor.probes.container_processes import Daemon

#: As people say it -> as the facts do.
NAMES = {"docker": "docker", "containerd": "containerd", "crio": "cri-o", "podman": "podman"}
#: Time for everything that is asked of the machine before a change (seconds).
ASKING = 30.0


class Request(Record):
    """What the user asked of `configure` and `unconfigure`. `path`: the runtime's program; empty: the toolkit's."""

    engine: str
    remove: bool = False
    path: str = ""
    runtime: str = "nvidia"
    default: bool = False
    cdi: bool = False
    repoint: bool = False
    clean: bool = False
    enable_cri: bool = False
    settings: tuple[str, ...] = ()
    restart: bool = True
    prove: bool = True
    image: str = ""
    root: str = ""


def open_port(root: str) -> Port:
    if root:
        from gpudoctor.system.root import Root

        return Root(root, ASKING)
    from gpudoctor.system.live import Live

    return Live(ASKING)


def the_engine(port: Port, name: str) -> Engine:
    """The one that a command would reach. Raises GpudoctorError where there is none."""
    found = [e for e in value_of(containers.engines(port), ()) if e.name == NAMES[name]]
    chosen = [e for e in found if e.selected_by] or found
    if not chosen:
        place = f" under {port.prefix}" if port.prefix else ""
        raise GpudoctorError(f"there is no {name} on this machine{place}", note="nothing was changed")
    return chosen[0]


def daemon_of(port: Port, engine: Engine) -> Daemon | None:
    """The engine's process, if it runs and shows itself."""
    from gpudoctor.probes.container_processes import daemons

    if not port.live:
        return None
    running = daemons(port)
    dockers = {d.pid for d in running if d.name == "dockerd"}
    for daemon in running:
        if engine.name == "docker" and daemon.name == "dockerd":
            here = endpoint_of(daemon, port)
        elif engine.name == "containerd" and daemon.name in CONTAINERD and daemon.parent not in dockers:
            here = address(daemon)
        elif engine.name == "cri-o" and daemon.name == "crio":
            return daemon
        else:
            continue
        if same_socket(port, here, engine.endpoint.removeprefix("unix://")):
            return daemon
    return None


def config_path(engine: Engine) -> str:
    """Raises GpudoctorError where nobody can say which file this daemon reads."""
    observed = engine.config_file
    if isinstance(observed, Known):
        return observed.value
    if isinstance(observed, Absent):
        return observed.looked_in
    path = observed.reason.partition(":")[0]
    if path.startswith("/"):
        raise GpudoctorError(
            f"{observed.reason}", context=path, note="nothing was changed", hint=_root(observed)
        )
    raise GpudoctorError(
        f"which file this {engine.name} reads could not be told: {observed.reason}",
        context=engine.endpoint,
        note="nothing was changed",
        hint=_root(observed),
    )


def _root(unknown: Unknown) -> str:
    return "root may read it: try again with sudo" if unknown.would_help == "root" else ""


def read_text(port: Port, path: str) -> tuple[bytes | None, str]:
    """The file's bytes (None: not there) and its text. Raises GpudoctorError for what can't be read or is no UTF-8."""
    try:
        content = port.read(path)
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be read: {error.strerror or error}", note="nothing was changed"
        ) from None
    try:
        return content, content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise GpudoctorError(
            f"{path} is not UTF-8", context=f"line {line}, byte {error.start}", note="nothing was changed"
        ) from None


def program(port: Port, request: Request, engine: Engine | None) -> str:
    """The runtime's program as an absolute path. Raises GpudoctorError where it is not there: every container would fail."""
    searched = value_of(engine.search_path, "") if engine is not None else ""
    found = installed(port, request, engine)
    if found:
        return found
    if request.path:
        raise GpudoctorError(
            f"{request.path} is not there, or is no executable file",
            context="--path",
            note="nothing was changed: every container with this runtime would fail to start",
        )
    raise GpudoctorError(
        "nvidia-container-runtime is not installed",
        context=f"looked in {searched or USUAL_PATH}",
        note="nothing was changed: every container with this runtime would fail to start",
        hint="install the NVIDIA Container Toolkit (nvidia-container-toolkit), or name the program with --path",
    )


def installed(port: Port, request: Request, engine: Engine | None) -> str:
    """As `program`; empty where it is not there."""
    name = request.path or "nvidia-container-runtime"
    searched = value_of(engine.search_path, "") if engine is not None else ""
    found = which(port, name, searched or USUAL_PATH)
    if found is None and not request.path:
        toolkit = value_of(containers.toolkit(port), None)
        found = toolkit.binaries.get(name) if toolkit is not None else None
    return found if found is not None and _executable(port, found) else ""


def _executable(port: Port, path: str) -> bool:
    try:
        info = port.stat(path)
    except OSError:
        return False
    return info.kind == "file" and bool(info.mode & 0o111)


def ourselves(*words: str) -> tuple[str, ...]:
    """The command line that runs this tool again."""
    import os
    import sys

    import gpudoctor

    beside = os.path.join(os.path.dirname(sys.executable), "gpudoctor")
    if os.access(beside, os.X_OK):
        return (beside, *words)
    top = os.path.dirname(os.path.dirname(os.path.abspath(gpudoctor.__file__)))
    code = f"import sys; sys.path.insert(0, {top!r}); from gpudoctor.__main__ import main; sys.exit(main())"
    return (sys.executable, "-I", "-c", code, *words)


def listed(words: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"
