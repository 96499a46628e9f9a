"""Which container engines are here, which of them would a command reach, and what is each set up to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.probes.container_cdi import DEFAULT_DIRS
from gpudoctor.system.port import Port, exists, names, observe, text, which

if TYPE_CHECKING:
    from gpudoctor.probes.container_processes import Daemon

Flavour = Literal["rootful", "rootless", "snap", "desktop", "podman-docker", "unknown"]

DEFAULT_SOCKET = "/var/run/docker.sock"
#: PATH where none is known: systemd's for services, and where snaps put their commands.
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
HOOK = "nvidia-container-runtime-hook"
#: Runtimes that dockerd knows without being told (moby, daemon/runtime_unix.go); shims are named by their type.
BUILT_IN = ("runc", "io.containerd.runc.v2")
CONTAINERD_CONFIGS = (
    "/etc/containerd/config.toml",
    "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
)
UNITS = ("/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system")


def engines(port: Port) -> Observed[tuple[Engine, ...]]:
    path = port.env.get("PATH") or USUAL_PATH
    client = which(port, "docker", path)
    others = _others(port, path)
    # Reading every process's name costs more than all the rest: only where something speaks for a daemon.
    signs = (*_sockets(port), "/run/docker.pid", "/usr/bin/dockerd", "/etc/docker/daemon.json")
    chosen = port.env.get("DOCKER_HOST") or client
    if not chosen and not others and not any(exists(port, sign) for sign in signs):
        return Known((), "PATH, /run")
    from gpudoctor.probes.container_processes import daemons

    running = daemons(port)
    found = _docker(port, client, running)
    if others:
        from gpudoctor.probes import container_others

        found += container_others.engines(port, others, running)
    return Known(tuple(found), "PATH, /proc, /run")


def _others(port: Port, path: str) -> dict[str, str]:
    """Engine -> its program, or its settings where only those are to be seen."""
    found = {}
    for name, program in (("podman", "podman"), ("containerd", "containerd"), ("cri-o", "crio")):
        place = which(port, program, path)
        if place is not None:
            found[name] = place
    for config in CONTAINERD_CONFIGS:
        if "containerd" not in found and exists(port, config):
            found["containerd"] = config
    return found


def _sockets(port: Port) -> tuple[str, ...]:
    runtime = port.env.get("XDG_RUNTIME_DIR", "")
    return (DEFAULT_SOCKET, f"{runtime}/docker.sock") if runtime else (DEFAULT_SOCKET,)


# ---------------------------------------------------------------- docker


def _docker(port: Port, client: str | None, running: tuple[Daemon, ...]) -> list[Engine]:
    """One engine per daemon that runs, and the one that the client would ask, running or not."""
    seen: Observed[str] = Known(client, "PATH") if client else Absent("docker on PATH")
    endpoint, chosen_by = selected(port)
    found: list[Engine] = []
    for daemon in running:
        if daemon.name != "dockerd":
            continue
        mine = endpoint_of(daemon, port)
        chosen = same_socket(port, mine, endpoint)
        found.append(_engine(port, mine, chosen_by if chosen else "", seen, daemon))
    if not any(engine.selected_by for engine in found):
        installed = client or exists(port, "/usr/bin/dockerd") or exists(port, "/etc/docker/daemon.json")
        if installed or exists(port, endpoint.removeprefix("unix://")):
            found.insert(0, _engine(port, endpoint, chosen_by, seen, None))
    return found


def selected(port: Port) -> tuple[str, str]:
    """The daemon that `docker` talks to, and what decides it: the variables first, then the context."""
    from gpudoctor.parsers import docker_context

    if port.env.get("DOCKER_HOST"):
        return port.env["DOCKER_HOST"], "DOCKER_HOST"
    home = port.env.get("HOME", "")
    folder = port.env.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    name = port.env.get("DOCKER_CONTEXT", "")
    if not name and folder:
        try:
            name = docker_context.current(text(port, f"{folder}/config.json"))
        except (OSError, ValueError):
            name = ""
    if name and name != "default":
        for entry in names(port, f"{folder}/contexts/meta"):
            try:
                meta, host = docker_context.endpoint(text(port, f"{folder}/contexts/meta/{entry}/meta.json"))
            except (OSError, ValueError):
                continue
            if meta == name:
                return host, f"context {name}"
        return "", f"context {name}"
    return f"unix://{DEFAULT_SOCKET}", "default"


def same_socket(port: Port, left: str, right: str) -> bool:
    return port.realpath(left.removeprefix("unix://")) == port.realpath(right.removeprefix("unix://"))


def endpoint_of(daemon: Daemon, port: Port) -> str:
    from gpudoctor.parsers import dockerd_flags

    hosts = dockerd_flags.parse(daemon.argv).get("hosts", [])
    sockets = [host for host in hosts if host.startswith("unix://")]
    if sockets:
        return sockets[0]
    if _is_rootless(daemon):
        return f"unix:///run/user/{daemon.uid}/docker.sock"
    return f"unix://{DEFAULT_SOCKET}"


def _is_rootless(daemon: Daemon) -> bool:
    return "--rootless" in daemon.argv or daemon.uid != 0


def _flavour(port: Port, endpoint: str, chosen_by: str, client: str, daemon: Daemon | None) -> Flavour:
    socket = endpoint.removeprefix("unix://")
    if chosen_by.startswith("context desktop") or "/.docker/desktop/" in socket or "/.docker/run/" in socket:
        return "desktop"
    if "podman" in socket or (client and daemon is None and _is_podman(port, client)):
        return "podman-docker"
    if daemon is not None:
        program = daemon.argv[0] if daemon.argv else ""
        if any("/snap/" in part or "/snap." in part for part in daemon.argv):
            return "snap"
        if program.startswith("/snap/"):
            return "snap"
        return "rootless" if _is_rootless(daemon) else "rootful"
    if "/run/user/" in socket:
        return "rootless"
    if client.startswith("/snap/") or "/snap/" in port.realpath(client or "/"):
        return "snap"
    if socket in (DEFAULT_SOCKET, "/run/docker.sock") and (exists(port, socket) or _has_daemon(port)):
        return "rootful"
    return "unknown"


def _has_daemon(port: Port) -> bool:
    return exists(port, "/usr/bin/dockerd") or exists(port, "/usr/sbin/dockerd")


def _is_podman(port: Port, client: str) -> bool:
    """podman-docker's `docker` is a link to podman or a small script that starts it."""
    if port.realpath(client).endswith("/podman"):
        return True
    try:
        head = port.read(client, 400)
    except OSError:
        return False
    return head.startswith(b"#!") and b"podman" in head


def _engine(
    port: Port, endpoint: str, chosen_by: str, client: Observed[str], daemon: Daemon | None
) -> Engine:
    from gpudoctor.parsers import dockerd_flags
    from gpudoctor.probes.container_processes import known_path

    flavour = _flavour(port, endpoint, chosen_by, value_of(client, ""), daemon)
    argv = daemon.argv if daemon is not None else _unit(port) if flavour == "rootful" else ()
    flags = dockerd_flags.parse(argv)
    base = Engine("docker", endpoint, chosen_by, flavour, client)
    base = _configured(port, base, flags, daemon)
    base = _answers(port, base)
    path = known_path(daemon) if daemon is not None else _no_process(port)
    base = base.replace(
        started=daemon.started if daemon is not None else _no_process(port),
        search_path=path,
        hook=_hook(port, path),
        paths_missing=_paths_missing(port, base.file_runtimes, path),
    )
    return base.replace(cdi_dir_links=_cdi_links(port, base, daemon))


def _no_process(port: Port) -> Observed[Any]:
    if not exists(port, "/proc/stat"):
        return Unknown("/proc is not recorded")
    return Absent("dockerd in /proc")


def _unit(port: Port) -> tuple[str, ...]:
    """dockerd's command line as its systemd unit has it, for a daemon that does not run."""
    from gpudoctor.parsers import dockerd_flags

    units: list[str] = []
    for folder in UNITS:
        for place in (
            f"{folder}/docker.service",
            *(
                f"{folder}/docker.service.d/{name}"
                for name in names(port, f"{folder}/docker.service.d")
                if name.endswith(".conf")
            ),
        ):
            try:
                units.append(text(port, place))
            except OSError:
                continue
    return tuple(dockerd_flags.exec_start(units))


# ---------------------------------------------------------------- what its file says


def _config_path(port: Port, flavour: str, flags: Mapping[str, list[str]], daemon: Daemon | None) -> str:
    """The file that this daemon really reads; empty when nobody can say."""
    given = flags.get("config-file", [])
    if given:
        return given[-1]
    if flavour == "rootless":
        environ = value_of(daemon.environ, {}) if daemon is not None else dict(port.env)
        home = environ.get("HOME", "")
        base = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
        return f"{base}/docker/daemon.json" if base else ""
    if flavour == "snap":
        return "/var/snap/docker/current/config/daemon.json"
    if flavour == "desktop":
        home = port.env.get("HOME", "")
        return f"{home}/.docker/daemon.json" if home else ""
    return "/etc/docker/daemon.json" if flavour in ("rootful", "unknown") else ""


def _configured(port: Port, base: Engine, flags: Mapping[str, list[str]], daemon: Daemon | None) -> Engine:
    from gpudoctor.parsers import daemon_json

    path = _config_path(port, base.flavour, flags, daemon)
    if not path:
        unknown = Unknown("which file this daemon reads is not known", "root")
        return base.replace(
            config_file=unknown, file_runtimes=unknown, file_default_runtime=unknown, conflicts=unknown
        )
    by_flag = dict(entry.partition("=")[::2] for entry in flags.get("runtimes", []))
    default_flag = (flags.get("default-runtime") or [""])[-1]
    content = observe(lambda: text(port, path), path)
    if isinstance(content, Unknown):
        return base.replace(
            config_file=content, file_runtimes=content, file_default_runtime=content, conflicts=content
        )
    file = Known(path, "command line" if flags.get("config-file") else "the daemon's default")
    try:
        config = (
            daemon_json.parse(content.value) if isinstance(content, Known) else daemon_json.DaemonConfig()
        )
    except ValueError as error:
        broken = Unknown(f"{path}: {error}")
        return base.replace(
            config_file=file,
            config_error=Known(str(error), path),
            file_runtimes=broken,
            file_default_runtime=broken,
            conflicts=broken,
        )
    default = config.default_runtime or default_flag
    both = tuple(key for key in config.keys if key in flags and key != "runtimes")
    folders = config.cdi_dirs or tuple(flags.get("cdi-spec-dirs", ()))
    return base.replace(
        config_file=file if isinstance(content, Known) else Absent(path),
        config_error=Absent(path),
        file_runtimes=Known({**by_flag, **config.runtimes}, path),
        file_default_runtime=Known(default, path) if default else Absent(path),
        conflicts=Known(both, path),
        cdi_dirs=Known(folders, path) if folders else Absent(path),
        cgroup_driver=_by_option(config.exec_options + tuple(flags.get("exec-opts", ())), path),
    )


def _by_option(options: tuple[str, ...], path: str) -> Observed[str]:
    chosen = [o.partition("=")[2] for o in options if o.startswith("native.cgroupdriver=")]
    if chosen:
        return Known(chosen[-1], path)
    return Unknown("the daemon has not said which cgroup driver it uses", "root")


def _paths_missing(
    port: Port, runtimes: Observed[Mapping[str, str]], path: Observed[str]
) -> Observed[Mapping[str, str]]:
    if not isinstance(runtimes, Known):
        return runtimes
    missing = {}
    for name, program in runtimes.value.items():
        if not program or program.startswith("io.containerd."):
            continue
        if which(port, program, value_of(path, "") or USUAL_PATH) is not None:
            continue
        if "/" not in program and isinstance(path, Unknown):
            return Unknown(f"the daemon's PATH ({path.reason})", path.would_help)
        missing[name] = program
    return Known(missing, path.via if isinstance(path, Known) else runtimes.via)


def _hook(port: Port, path: Observed[str]) -> Observed[str]:
    found = which(port, HOOK, value_of(path, "") or USUAL_PATH)
    if found is not None:
        return Known(found, "the daemon's PATH" if isinstance(path, Known) else "the usual PATH")
    return path if isinstance(path, Unknown) else Absent(f"{HOOK} on the daemon's PATH")


def _cdi_links(port: Port, engine: Engine, daemon: Daemon | None) -> Observed[tuple[str, ...]]:
    """Rootlesskit shows a rootless daemon a copy of /etc that is made of links; they show in the daemon's own root."""
    if engine.flavour != "rootless" or daemon is None:
        return Absent("a rootless daemon")
    place = f"/proc/{daemon.pid}/root"
    try:
        port.stat(f"{place}/etc")
    except OSError as error:
        return Unknown(f"{place}: {error.strerror or error}", "root")
    links = []
    for folder in value_of(engine.cdi_dirs, ()) or DEFAULT_DIRS:
        try:
            if port.stat(place + folder, follow=False).kind == "link":
                links.append(folder)
        except OSError:
            continue
    return Known(tuple(links), place)


# ---------------------------------------------------------------- what it answers


def _answers(port: Port, base: Engine) -> Engine:
    info = _info(port, base.endpoint)
    if not isinstance(info, Known):
        said: Observed[bool] = Known(False, info.looked_in) if isinstance(info, Absent) else info
        silent = Unknown("the daemon does not answer") if isinstance(info, Absent) else info
        changes: dict[str, Any] = dict.fromkeys(
            ("version", "runtimes", "default_runtime", "cgroup_version"), silent
        )
        return base.replace(answers=said, **changes)
    from gpudoctor.parsers import docker_info

    answer, via = docker_info.parse(info.value), info.via
    flavour = base.flavour
    if answer.rootless and flavour in ("rootful", "unknown"):
        flavour = "rootless"
    elif "Docker Desktop" in answer.system:
        flavour = "desktop"
    return base.replace(
        answers=Known(True, via),
        flavour=flavour,
        version=Known(answer.version, via) if answer.version else Absent(via),
        runtimes=Known(answer.runtimes, via),
        default_runtime=Known(answer.default_runtime, via) if answer.default_runtime else Absent(via),
        cgroup_driver=Known(answer.cgroup_driver, via) if answer.cgroup_driver else base.cgroup_driver,
        cgroup_version=Known(answer.cgroup_version, via) if answer.cgroup_version else Absent(via),
        cdi_dirs=Known(answer.cdi_dirs, via) if answer.cdi_dirs else base.cdi_dirs,
    )


def _info(port: Port, endpoint: str) -> Observed[dict[str, Any]]:
    path = endpoint.removeprefix("unix://")
    if not endpoint.startswith("unix://"):
        return Unknown(f"{endpoint or 'the context'} is not a socket of this machine: not asked")
    if not exists(port, path):
        return Absent(path)
    if not port.live:
        return Unknown("a daemon of another root can't be asked")
    from gpudoctor.probes import docker_socket

    return docker_socket.info(path, min(docker_socket.DEADLINE, port.remaining()))
