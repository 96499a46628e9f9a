"""docker-daemon-flag-and-file-conflict: -H in the unit and hosts in the file."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines.parts import containers

BOTH = {"conflicts": Known(("hosts",), containers.FILE)}


def test_a_running_docker_will_not_start_again() -> None:
    machine = containers.with_docker(**BOTH)
    assert causes(machine) == {"docker-daemon-flag-and-file-conflict"}
    found = finding(machine, "docker-daemon-flag-and-file-conflict")
    assert found.severity == "warning" and "hosts" in found.title


def test_a_docker_that_is_down_does_not_start_for_it() -> None:
    machine = containers.with_docker(**BOTH, answers=Known(False, "sock"), started=Absent("/proc"))
    assert finding(machine, "docker-daemon-flag-and-file-conflict").severity == "failure"


def test_one_place_is_well() -> None:
    assert causes(containers.gpu_host()) == set()
