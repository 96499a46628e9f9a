"""docker-default-runtime-undefined: default-runtime without a definition."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines.parts import containers


def default(name: str, **changes: object) -> object:
    return containers.with_docker(file_default_runtime=Known(name, containers.FILE), **changes)


def test_a_default_that_nobody_defines_keeps_docker_from_starting() -> None:
    machine = default(
        "nvidia",
        file_runtimes=Known({}, containers.FILE),
        runtimes=Absent(containers.INFO),
        answers=Known(False, containers.INFO),
        started=Absent("/proc"),
    )
    assert "docker-default-runtime-undefined" in causes(machine)
    assert finding(machine, "docker-default-runtime-undefined").severity == "failure"


def test_a_running_docker_will_not_start_again() -> None:
    machine = default("nvidia-legacy")
    assert causes(machine) == {"docker-default-runtime-undefined"}
    assert finding(machine, "docker-default-runtime-undefined").severity == "warning"


def test_a_default_that_is_defined_or_built_in_is_well() -> None:
    for name in ("nvidia", "runc", "io.containerd.runc.v2"):
        assert causes(default(name)) == set()


def test_a_default_that_the_file_or_the_daemon_knows_is_defined() -> None:
    by_file = default("nvidia", runtimes=Absent(containers.INFO))
    assert "docker-default-runtime-undefined" not in causes(by_file)
    by_daemon = default("kata", runtimes=Known(("kata", "nvidia", "runc"), containers.INFO))
    assert causes(by_daemon) == set()
