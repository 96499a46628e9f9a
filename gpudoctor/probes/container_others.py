"""Engines beside Docker: Podman, containerd, CRI-O."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import containerd_toml
from gpudoctor.probes.container_cdi import DEFAULT_DIRS
from gpudoctor.probes.container_engines import CONTAINERD_CONFIGS, same_socket
from gpudoctor.probes.container_processes import Daemon, known_path
from gpudoctor.system.port import Port, exists, names, observe, text

#: Where `nvidia-ctk runtime configure` puts its drop-in.
DROP_INS = "/etc/containerd/conf.d"
CONTAINERD = ("containerd", "k3s-server", "k3s-agent")
ADDRESS = "/run/containerd/containerd.sock"
_VERSION = re.compile(r"\bv?(\d+\.\d+(?:\.\d+)?)")


def engines(port: Port, found: Mapping[str, str], running: tuple[Daemon, ...]) -> list[Engine]:
    result = []
    if "podman" in found:
        result.append(_podman(port, found["podman"]))
    if "containerd" in found:
        result.append(_containerd(port, found["containerd"], running))
    if "cri-o" in found:
        result.append(_crio(port, found["cri-o"]))
    return result


def _version(port: Port, program: str) -> Observed[str]:
    """As `program --version` says; milliseconds, and only where the engine is installed."""
    if not port.live:
        return Unknown("nothing is executed under --root")
    if program.endswith(".toml"):
        return Unknown("its program is not on PATH")

    def ask() -> str:
        said = port.run([program, "--version"], 3.0)
        match = _VERSION.search(said.stdout)
        if match is None:
            raise ValueError("no version in its answer")
        return match.group(1)

    return observe(ask, f"{program} --version")


def _podman(port: Port, program: str) -> Engine:
    # Podman has no daemon: it is rootless exactly when the user is not root.
    uid = observe(lambda: port.stat("/proc/self").uid, "/proc/self")
    rootless = isinstance(uid, Known) and uid.value != 0
    return Engine(
        "podman",
        flavour="rootless" if rootless else "rootful",
        client=Known(program, "PATH"),
        version=_version(port, program),
        cdi_dirs=Known(DEFAULT_DIRS, "podman's default"),
    )


# ---------------------------------------------------------------- containerd


def _containerd(port: Port, program: str, running: tuple[Daemon, ...]) -> Engine:
    # The containerd that dockerd starts for itself has no settings of the user's.
    dockers = {d.pid for d in running if d.name == "dockerd"}
    own = [d for d in running if d.name in CONTAINERD and d.parent not in dockers]
    asked = port.env.get("CONTAINERD_ADDRESS", "")
    daemon = next((d for d in own if not asked or same_socket(port, address(d), asked)), None)
    config = _containerd_config(port, daemon)
    base = Engine(
        "containerd",
        f"unix://{address(daemon) if daemon else asked or ADDRESS}",
        "CONTAINERD_ADDRESS" if asked else "",
        client=Known(program, "PATH"),
        flavour="rootful",
        version=_version(port, program),
        started=daemon.started if daemon else Absent("containerd in /proc"),
        search_path=known_path(daemon) if daemon else Absent("containerd in /proc"),
    )
    content = observe(lambda: text(port, config), config)
    if not isinstance(content, Known):
        return base.replace(config_file=content, cri_disabled=content, config_version=content)
    file = Known(config, config)
    try:
        parsed = containerd_toml.parse(content.value)
    except ValueError as error:
        broken = Unknown(f"{config}: {error}")
        return base.replace(
            config_file=file,
            config_error=Known(str(error), config),
            file_runtimes=broken,
            cri_disabled=broken,
            config_version=broken,
        )
    drop_ins, ignored, runtimes = _drop_ins(port, config, parsed.imports)
    return base.replace(
        config_file=file,
        config_error=Absent(config),
        file_runtimes=Known({**parsed.runtimes, **runtimes}, config),
        file_default_runtime=Known(parsed.default_runtime, config)
        if parsed.default_runtime
        else Absent(config),
        cri_disabled=Known(parsed.cri_disabled, config),
        config_version=Known(parsed.version, config),
        cgroup_driver=Known("systemd" if parsed.systemd_cgroup else "cgroupfs", config)
        if parsed.systemd_cgroup is not None
        else Absent(config),
        drop_ins=Known(drop_ins, DROP_INS),
        drop_ins_ignored=Known(ignored, DROP_INS),
    )


def address(daemon: Daemon) -> str:
    """The socket that it was told to listen on."""
    return _option(daemon.argv, "-a", "--address") or ADDRESS


def _option(argv: Sequence[str], *names_of: str) -> str:
    for index, word in enumerate(argv):
        if word in names_of and index + 1 < len(argv):
            return argv[index + 1]
        if word.partition("=")[0] in names_of and "=" in word:
            return word.partition("=")[2]
    return ""


def _containerd_config(port: Port, daemon: Daemon | None) -> str:
    given = _option(daemon.argv if daemon else (), "-c", "--config")
    return given or next((path for path in CONTAINERD_CONFIGS if exists(port, path)), CONTAINERD_CONFIGS[0])


def _drop_ins(
    port: Port, config: str, imports: tuple[str, ...]
) -> tuple[dict[str, int], tuple[str, ...], dict[str, str]]:
    """Drop-ins that define an nvidia runtime: their versions, those that nobody imports, the runtimes of the others."""
    folder = config.rpartition("/")[0]
    patterns = [entry if entry.startswith("/") else f"{folder}/{entry}" for entry in imports]
    versions: dict[str, int] = {}
    runtimes: dict[str, str] = {}
    ignored = []
    for name in names(port, DROP_INS):
        path = f"{DROP_INS}/{name}"
        try:
            parsed = containerd_toml.parse(text(port, path)) if name.endswith(".toml") else None
        except (OSError, ValueError):
            continue
        if parsed is None or not any("nvidia" in runtime for runtime in parsed.runtimes):
            continue
        versions[path] = parsed.version
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            runtimes.update(parsed.runtimes)
        else:
            ignored.append(path)
    return versions, tuple(ignored), runtimes


# ---------------------------------------------------------------- CRI-O


def _crio(port: Port, program: str) -> Engine:
    from gpudoctor.codec import toml_loads

    folder = "/etc/crio/crio.conf.d"
    runtimes: dict[str, str] = {}
    default = ""
    error: Observed[str] = Absent("/etc/crio")
    for path in ("/etc/crio/crio.conf", *(f"{folder}/{name}" for name in names(port, folder))):
        try:
            data = toml_loads(text(port, path))
        except OSError:
            continue
        except ValueError as wrong:
            error = Known(str(wrong), path)
            continue
        section = data.get("crio")
        runtime = section.get("runtime") if isinstance(section, dict) else None
        if not isinstance(runtime, dict):
            continue
        if isinstance(runtime.get("default_runtime"), str):
            default = runtime["default_runtime"]
        tables = runtime.get("runtimes")
        for name, table in tables.items() if isinstance(tables, dict) else ():
            program_path = table.get("runtime_path") if isinstance(table, dict) else ""
            runtimes[name] = program_path if isinstance(program_path, str) else ""
    return Engine(
        "cri-o",
        "unix:///var/run/crio/crio.sock",
        flavour="rootful",
        client=Known(program, "PATH"),
        version=_version(port, program),
        config_file=Known("/etc/crio/crio.conf", "/etc/crio")
        if exists(port, "/etc/crio/crio.conf")
        else Absent("/etc/crio/crio.conf"),
        config_error=error,
        file_runtimes=Known(runtimes, "/etc/crio"),
        file_default_runtime=Known(default, "/etc/crio") if default else Absent("/etc/crio"),
    )
