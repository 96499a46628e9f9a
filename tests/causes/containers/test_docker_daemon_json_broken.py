"""docker-daemon-json-broken: a daemon.json that will stop Docker at its next start."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding
from tests.machines.parts import containers

BROKEN = {
    "config_error": Known("line 4, column 3: a comma before the closing }", containers.FILE),
    "file_runtimes": Unknown("not understood"),
    "file_default_runtime": Unknown("not understood"),
    "conflicts": Unknown("not understood"),
    "paths_missing": Unknown("not understood"),
}


def test_while_docker_runs_it_is_a_time_bomb() -> None:
    machine = containers.with_docker(**BROKEN)
    assert causes(machine) == {"docker-daemon-json-broken"}
    found = finding(machine, "docker-daemon-json-broken")
    assert found.severity == "warning" and "line 4, column 3" in found.title


def test_when_docker_is_down_it_is_why() -> None:
    machine = containers.with_docker(
        **BROKEN, answers=Known(False, "/var/run/docker.sock"), started=Absent("/proc")
    )
    assert finding(machine, "docker-daemon-json-broken").severity == "failure"


def test_no_file_at_all_is_well() -> None:
    machine = containers.with_docker(config_file=Absent(containers.FILE))
    assert "docker-daemon-json-broken" not in causes(machine)
