"""cdi-spec-too-new: a cdiVersion that the engine does not know."""

from __future__ import annotations

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers


def asked_by(version: str, *engines: Engine) -> Machine:
    spec = containers.spec(version="550.163.01").replace(version=Known(version, "spec"))
    return containers.with_specs(spec, engines=Known(engines, "PATH"))


def podman(version: str) -> Engine:
    return Engine("podman", client=Known("/usr/bin/podman", "PATH"), version=Known(version, "podman"))


def test_docker_28_does_not_know_1_1() -> None:
    machine = asked_by("1.1.0", containers.docker(version=Known("28.5.2+dfsg1", containers.INFO)))
    assert causes(machine) == {"cdi-spec-too-new"}
    assert "1.1.0" in finding(machine, "cdi-spec-too-new").title


def test_debian_12s_podman_does_not_know_0_6() -> None:
    assert "cdi-spec-too-new" in causes(asked_by("0.6.0", podman("4.3.1")))


def test_the_same_specification_is_well_with_docker_28() -> None:
    assert causes(asked_by("0.6.0", containers.docker())) == set()


def test_what_a_newer_engine_takes_is_not_known() -> None:
    result = judgement(asked_by("0.6.0", podman("5.4.2")))
    assert "cdi-spec-too-new" in {s.id for s in result.skipped}
    assert "cdi-spec-too-new" not in {f.id for f in result.findings}


def test_what_an_older_docker_takes_is_not_known_either() -> None:
    result = judgement(asked_by("0.6.0", containers.docker(version=Known("26.1.5", containers.INFO))))
    assert "cdi-spec-too-new" in {s.id for s in result.skipped}


def test_the_oldest_specification_is_taken_by_all() -> None:
    assert causes(asked_by("0.5.0", containers.docker(), podman("5.4.2"))) == set()


def test_versions_that_are_none_are_no_verdict_and_no_crash() -> None:
    assert causes(asked_by("latest", containers.docker())) == set()
    result = judgement(asked_by("1.1.0", containers.docker(version=Known("dev", containers.INFO))))
    assert "cdi-spec-too-new" in {s.id for s in result.skipped}


def test_a_specification_that_is_overridden_counts_for_nobody() -> None:
    new = containers.spec().replace(version=Known("1.1.0", "spec"))
    machine = containers.with_specs(new, containers.spec("/var/run/cdi/nvidia.yaml"))
    assert causes(machine) == set()
