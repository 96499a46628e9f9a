"""Healthy container hosts and containers: nothing is found and nothing is skipped."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.rules.page import page_of
from gpudoctor.rules.registry import causes as catalogue
from tests.judged import judgement
from tests.machines import healthy
from tests.machines.parts import containers

MINE = [cause for cause in catalogue() if cause.family == "containers"]


def rootless_with_cdi() -> Machine:
    return containers.with_specs(
        containers.spec("/home/u/.config/cdi/nvidia.yaml"),
        engines=Known((containers.rootless_docker(),), "PATH"),
    )


def docker_host_without_a_gpu() -> Machine:
    engine = containers.docker(
        file_runtimes=Known({}, containers.FILE), runtimes=Known(("runc",), containers.INFO)
    )
    host = healthy.no_gpu_server()
    return host.replace(containers=host.containers.replace(engines=Known((engine,), "PATH")))


@pytest.mark.parametrize(
    "machine",
    [
        containers.gpu_host,
        containers.gpu_container,
        rootless_with_cdi,
        docker_host_without_a_gpu,
        *healthy.ALL,
    ],
)
def test_nothing_is_found_on_a_healthy_machine(machine: object) -> None:
    result = judgement(machine())  # type: ignore[operator]
    mine = {cause.id for cause in MINE}
    assert [f.id for f in result.findings if f.id in mine] == []
    assert [s for s in result.skipped if s.id in mine] == []


def test_a_docker_host_without_a_gpu_has_nothing_to_judge() -> None:
    result = judgement(docker_host_without_a_gpu())
    assert {n.id for n in result.not_applicable} >= {cause.id for cause in MINE}


@pytest.mark.parametrize("cause", MINE, ids=lambda cause: cause.id)
def test_every_page_has_its_sections_and_sources(cause: object) -> None:
    page = page_of(cause)  # type: ignore[arg-type]
    assert page.sources and all(source.startswith("https://") for source in page.sources)
