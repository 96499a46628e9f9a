"""docker-runtime-path-missing: a runtime whose program is gone."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers

GONE = Known({"nvidia": "/opt/nvidia/nvidia-container-runtime"}, "/proc/900/environ")


def test_a_runtime_that_leads_nowhere() -> None:
    machine = containers.with_docker(paths_missing=GONE)
    assert causes(machine) == {"docker-runtime-path-missing"}
    assert "/opt/nvidia" in finding(machine, "docker-runtime-path-missing").title


def test_as_the_default_it_stops_every_container() -> None:
    machine = containers.with_docker(
        paths_missing=GONE, file_default_runtime=Known("nvidia", containers.FILE)
    )
    assert "no container at all" in finding(machine, "docker-runtime-path-missing").title


def test_another_vendors_runtime_is_not_our_business() -> None:
    assert causes(containers.with_docker(paths_missing=Known({"kata": "/opt/kata"}, "PATH"))) == set()


def test_an_unknown_path_is_no_verdict() -> None:
    result = judgement(containers.with_docker(paths_missing=Unknown("permission denied", "root")))
    assert "docker-runtime-path-missing" in {s.id for s in result.skipped}
