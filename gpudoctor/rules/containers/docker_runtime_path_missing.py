"""A runtime of Docker's leads to a program that is not there

What it is: daemon.json defines a runtime, mostly nvidia, by a path that does not exist, or by a bare name that is not on the
daemon's own PATH: after the toolkit was removed or moved, or was never installed.

Why it hurts: Docker starts without a word, and then every container with that runtime fails ("fork/exec ...: no such
file or directory"). If it is the default runtime, that is every container.

How to tell: Each path of `runtimes` is looked up, bare names on the PATH of the daemon's process.

How to fix: Install the toolkit, or correct the path, or remove the runtime from the file.

Sources: https://docs.docker.com/reference/cli/dockerd/#configure-container-runtimes
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Engine
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import (
    config_file,
    daemon,
    engines,
    names_nvidia,
    not_this_users,
    sudo,
)
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"fork/exec /usr/bin/nvidia-container-runtime: no such file", 0.85),
)


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    for engine in engines(containers, "docker"):
        default = value_of(engine.file_default_runtime, "") or value_of(engine.default_runtime, "")
        if isinstance(engine.paths_missing, Unknown):
            if names_nvidia(engine):
                yield CouldNotTell(
                    f"whether the runtimes' programs are there: {engine.paths_missing.reason}",
                    engine.paths_missing.would_help,
                    daemon(engine),
                    not_this_users(engine),
                )
            continue
        for name, path in value_of(engine.paths_missing, {}).items():
            if "nvidia" not in name and "nvidia" not in path and name != default:
                continue
            everything = name == default
            yield Problem(
                f"Docker's runtime '{name}' leads to {path}, which is not there"
                + (": no container at all can start" if everything else ""),
                daemon(engine),
                evidence=(
                    Evidence(f"runtimes.{name}.path", path, config_file(engine)),
                    seen("PATH of the daemon", engine.search_path),
                    Evidence("default runtime", default or "runc"),
                ),
                fix=_fix(engine, name, everything, _installed(containers)),
            )


def _installed(containers: Containers) -> str:
    """The toolkit's runtime, "" where it is not installed."""
    toolkit = value_of(containers.toolkit, None)
    return toolkit.binaries.get("nvidia-container-runtime", "") if toolkit is not None else ""


def _fix(engine: Engine, name: str, everything: bool, installed: str) -> Fix:
    if name == "nvidia" and installed:
        return Fix(
            f"Lead the runtime to {installed}",
            (f"{sudo(engine)}gpudoctor runtime configure docker --repoint --apply",),
            "unsafe",
        )
    return Fix(
        "Install the NVIDIA Container Toolkit, or remove the runtime from the file",
        (
            f'sudo "${{EDITOR:-vi}}" {config_file(engine)}   # remove runtimes.{name}'
            + (" and default-runtime" if everything else ""),
        ),
    )
