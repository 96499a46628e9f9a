"""What makes a daemon read its file: a signal where that is enough, else a restart, with what the restart would stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpudoctor.changes.plan import Action
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.record import Record
from gpudoctor.system.port import Port, exists, text, which
from gpudoctor.workflows.runtime import find
from gpudoctor.workflows.runtime.find import Request, ourselves

if TYPE_CHECKING:
    from gpudoctor.probes.container_processes import Daemon

#: A daemon's answer to a question about its containers (seconds).
ASK = 15
SYSTEMD = "/run/systemd/system"


class Told(Record):
    """How the daemon hears of it: `actions` by us, `manual` by a person."""

    actions: tuple[Action, ...] = ()
    manual: tuple[str, ...] = ()


def client(endpoint: str) -> Any:
    """The SDK's client of this endpoint. Raises GpudoctorError where nobody answers.

    The version comes from the answer to a ping, as the docker command has it. The SDK's own "auto" asks for /version, and there a
    rootless dockerd (28.5.2 of Debian, with the host's network) ends the connection in a panic.
    """
    import docker
    import requests

    try:
        first = docker.APIClient(
            base_url=endpoint, version=docker.constants.MINIMUM_DOCKER_API_VERSION, timeout=ASK
        )
        version = first.get(f"{first.base_url}/_ping").headers.get("Api-Version", "auto")
        first.close()
        return docker.DockerClient(base_url=endpoint, version=version, timeout=ASK)
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise GpudoctorError(
            f"the daemon at {endpoint} does not answer",
            context=" ".join(str(error).split())[:300],
            hint="is it running, and may you talk to it?",
        ) from None


def docker(port: Port, engine: Engine, daemon: Daemon | None, why: str, restart: bool) -> Told:
    """`why`: the reason why a signal is not enough; empty where it is. Nothing for a daemon that does not run."""
    if not port.live or daemon is None:
        return Told()
    env = (("DOCKER_HOST", engine.endpoint),)
    if not why:
        words = ourselves("runtime", "reload", "docker")
        return Told(
            (Action(words, "Docker reads its file again (SIGHUP); containers keep running", words, env=env),)
        )
    command = how(port, engine, daemon, "docker")
    if not restart:
        return Told(manual=(_for_people(command, daemon),))
    # On the way back the file may be one that the daemon would not start with, which it ran with all the same.
    back = ourselves("runtime", "restart", "docker", "--unless-broken")
    return Told(
        (Action(command, f"Docker is restarted: {why}", back, env=env, timeout=120.0, stops=_stops(engine)),)
    )


def containerd(port: Port, engine: Engine, daemon: Daemon | None, restart: bool) -> Told:
    """containerd's containers belong to their shims and keep running while it is restarted."""
    if not port.live or daemon is None:
        return Told()
    command = how(port, engine, daemon, "containerd")
    if not restart:
        return Told(manual=(_for_people(command, daemon),))
    said = "containerd is restarted; its containers keep running"
    return Told((Action(command, said, command, env=address_of(engine), timeout=120.0),))


def address_of(engine: Engine) -> tuple[tuple[str, str], ...]:
    """By which the same containerd is found again."""
    return (("CONTAINERD_ADDRESS", engine.endpoint.removeprefix("unix://")),)


def how(port: Port, engine: Engine, daemon: Daemon, name: str) -> tuple[str, ...]:
    """systemd's own command where systemd started it; else we start it as it was started."""
    if engine.flavour == "snap":
        return ("snap", "restart", "docker")
    if exists(port, SYSTEMD) and which(port, "systemctl", port.env.get("PATH") or find.USUAL_PATH):
        if engine.flavour == "rootless" and _is_service(port, daemon, name):
            return ("systemctl", "--user", "restart", f"{name}.service")
        if _is_service(port, daemon, name):
            return ("systemctl", "restart", f"{name}.service")
    return ourselves("runtime", "restart", name)


def _is_service(port: Port, daemon: Daemon, name: str) -> bool:
    """systemd started it: its processes are in the service's control group. One started by hand is not."""
    try:
        return f"/{name}.service" in text(port, f"/proc/{daemon.pid}/cgroup")
    except OSError:
        return False


def _for_people(command: tuple[str, ...], daemon: Daemon) -> str:
    ours = command[0] not in ("systemctl", "snap")
    words = ("gpudoctor", *command[command.index("runtime") :]) if ours else command
    import os

    sudo = "sudo " if daemon.uid == 0 and os.geteuid() != 0 else ""
    return sudo + " ".join(words)


def _stops(engine: Engine) -> tuple[str, ...]:
    """The running containers that a restart would stop; none with live-restore."""
    import docker as sdk

    asked = client(engine.endpoint)
    try:
        if asked.info().get("LiveRestoreEnabled"):
            return ()
        return tuple(
            f"container {str((c.get('Names') or ['/' + c['Id'][:12]])[0]).lstrip('/')}"
            for c in asked.api.containers()
        )
    except sdk.errors.DockerException as error:
        raise GpudoctorError(
            "the running containers could not be listed, so nobody can say what a restart would stop",
            context=" ".join(str(error).split())[:300],
            note="nothing was changed",
            hint="--no-restart leaves the restart to you",
        ) from None
    finally:
        asked.close()


def proof(name: str, engine: Engine, request: Request, depth: str = "", cdi: bool = False) -> Action:
    """The proof as the last step of a change: where it fails, all is taken back."""
    words = ["runtime", "prove", name, *(["--cdi"] if cdi else ["--runtime", request.runtime])]
    words += ["--depth", depth or "container"]
    words += ["--image", request.image] if request.image else []
    words += ["--default"] if request.default and not cdi else []
    env = {"docker": (("DOCKER_HOST", engine.endpoint),), "containerd": address_of(engine)}.get(name, ())
    how = "the CDI device nvidia.com/gpu=all" if cdi else f"the runtime {request.runtime}"
    return Action(ourselves(*words), f"a throwaway container starts with {how}", env=env, timeout=180.0)
