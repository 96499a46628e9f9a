"""Containers: are we in one; which engines, toolkit and CDI specifications does the host have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpudoctor.facts.containers import CdiSpec, ContainerToolkit, Engine, Inside, Repository
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.probes import container_cdi, container_engines, container_inside
from gpudoctor.system.port import NotHere, Port, exists, names, observe, text, which

BINARIES = (
    "nvidia-container-runtime",
    "nvidia-container-runtime-hook",
    "nvidia-ctk",
    "nvidia-container-cli",
    "nvidia-cdi-hook",
)
CONFIG = "/etc/nvidia-container-runtime/config.toml"
#: Where packages put the programs, beside PATH: `check` may run as somebody whose PATH lacks them.
FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/usr/local/nvidia/toolkit"
SOURCE_DIRS = ("/etc/apt/sources.list.d", "/etc/yum.repos.d", "/etc/zypp/repos.d")


def inside(port: Port) -> Observed[Inside]:
    return container_inside.inside(port)


def engines(port: Port) -> Observed[tuple[Engine, ...]]:
    return port.memo("containers.engines", lambda: container_engines.engines(port))


# ---------------------------------------------------------------- toolkit


def toolkit(port: Port) -> Observed[ContainerToolkit]:
    binaries = {}
    for name in BINARIES:
        path = which(port, name, FOLDERS) or (which(port, name) if port.env.get("PATH") else None)
        if path is not None:
            binaries[name] = path
    if not binaries and not exists(port, CONFIG):
        return Absent(f"{', '.join(BINARIES[:3])} on PATH and in {FOLDERS}")
    if not binaries:
        return Absent(f"the programs of {CONFIG}")
    return Known(
        ContainerToolkit(
            binaries,
            _version(port),
            observe(lambda: max(port.stat(path).ctime for path in binaries.values()), "stat"),
            **_settings(port),
        ),
        ", ".join(binaries.values()),
    )


def _version(port: Port) -> Observed[str]:
    """From the package's own record: running nvidia-ctk would cost more than all the rest."""
    folder = "/var/lib/dpkg/info"
    if not exists(port, f"{folder}/nvidia-container-toolkit-base.list") and not exists(
        port, f"{folder}/nvidia-container-toolkit.list"
    ):
        return Absent(folder)
    status = observe(lambda: text(port, "/var/lib/dpkg/status"), "/var/lib/dpkg/status")
    if not isinstance(status, Known):
        return status
    for name in ("nvidia-container-toolkit-base", "nvidia-container-toolkit"):
        start = status.value.find(f"Package: {name}\n")
        if start >= 0:
            paragraph = status.value[start:].partition("\n\n")[0]
            for line in paragraph.splitlines():
                if line.startswith("Version: "):
                    return Known(line[9:].partition("-")[0], status.via)
    return Absent(status.via)


def _settings(port: Port) -> dict[str, Observed[Any]]:
    from gpudoctor.parsers import toolkit_toml

    content = observe(lambda: text(port, CONFIG), CONFIG)
    keys = ("no_cgroups", "driver_root", "driver_root_exists", "ldconfig", "ldconfig_exists", "mode")
    if not isinstance(content, Known):
        return dict.fromkeys(("config_file", "config_error", *keys), content)
    try:
        config = toolkit_toml.parse(content.value)
    except ValueError as error:
        broken = Unknown(f"{CONFIG}: {error}")
        return {
            "config_file": Known(CONFIG, CONFIG),
            "config_error": Known(str(error), CONFIG),
            **dict.fromkeys(keys, broken),
        }
    root = config.root
    # The toolkit takes ldconfig.real where it is there, else ldconfig, whichever of the two the file names.
    plain = config.ldconfig.removesuffix(".real")
    return {
        "config_file": Known(CONFIG, CONFIG),
        "config_error": Absent(CONFIG),
        "no_cgroups": Known(bool(config.no_cgroups), CONFIG),
        "driver_root": Known(root, CONFIG) if root else Absent(CONFIG),
        "driver_root_exists": Known(exists(port, root), root) if root else Absent(CONFIG),
        "ldconfig": Known(config.ldconfig, CONFIG) if config.ldconfig else Absent(CONFIG),
        "ldconfig_exists": Known(exists(port, plain) or exists(port, f"{plain}.real"), plain)
        if plain
        else Absent(CONFIG),
        "mode": Known(config.mode, CONFIG) if config.mode else Absent(CONFIG),
    }


# ---------------------------------------------------------------- the rest


def cdi(port: Port) -> Observed[tuple[CdiSpec, ...]]:
    folders = list(container_cdi.DEFAULT_DIRS)
    for engine in value_of(engines(port), ()):
        folders += value_of(engine.cdi_dirs, ())
    # /var/run is /run on every current system; the same folder must not be read twice.
    unique = {port.realpath(folder): folder for folder in reversed(folders)}
    return container_cdi.specs(port, [folder for folder in folders if folder in unique.values()])


def dev_char_links(port: Port) -> Observed[bool]:
    try:
        entries = port.listdir("/dev/char")
    except (FileNotFoundError, NotADirectoryError):
        return Absent("/dev/char")
    except NotHere as error:
        return Unknown(str(error))
    except OSError as error:
        return Unknown(f"/dev/char: {error.strerror or error}")
    return Known(any(entry.startswith("195:") for entry in entries), "/dev/char")


def repositories(port: Port) -> Observed[tuple[Repository, ...]]:
    places = ["/etc/apt/sources.list"]
    for folder in SOURCE_DIRS:
        places += [f"{folder}/{n}" for n in names(port, folder) if n.endswith((".list", ".sources", ".repo"))]
    found = []
    for place in places:
        try:
            content = text(port, place)
        except OSError:
            continue
        if "nvidia.github.io" in content:
            from gpudoctor.parsers import package_sources

            found += [
                Repository(f"{place}:{line}", url) for line, url in package_sources.nvidia_github(content)
            ]
    return Known(tuple(found), ", ".join(("/etc/apt", *SOURCE_DIRS[1:])))


FIELDS: Mapping[str, Callable[[Port], Observed[Any]]] = {
    "inside": inside,
    "engines": engines,
    "toolkit": toolkit,
    "cdi": cdi,
    "dev_char_links": dev_char_links,
    "repositories": repositories,
}
