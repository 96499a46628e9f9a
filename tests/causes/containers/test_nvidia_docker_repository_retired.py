"""nvidia-docker-repository-retired: the package source of an old guide."""

from __future__ import annotations

from gpudoctor.facts.containers import Repository
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import containers

OLD = Repository(
    "/etc/apt/sources.list.d/nvidia-docker.list:1",
    "https://nvidia.github.io/nvidia-docker/ubuntu22.04/$(ARCH)",
)
PRESENT = Repository("/etc/apt/sources.list.d/nvidia-container-toolkit.list:1", containers.STABLE)


def test_nvidia_dockers_repository_is_retired() -> None:
    machine = containers.gpu_host(repositories=Known((OLD,), "/etc/apt"))
    assert causes(machine) == {"nvidia-docker-repository-retired"}
    found = finding(machine, "nvidia-docker-repository-retired")
    assert found.severity == "warning" and "nvidia-docker.list" in found.title


def test_the_folder_of_one_distribution_is_retired_too() -> None:
    for part in ("stable/ubuntu18.04/$(ARCH)", "ubuntu20.04/$(ARCH)"):
        old = OLD.replace(url=f"https://nvidia.github.io/libnvidia-container/{part}")
        assert "nvidia-docker-repository-retired" in causes(
            containers.gpu_host(repositories=Known((old,), "/etc/apt"))
        )


def test_beside_the_present_one_it_is_only_clutter() -> None:
    machine = containers.gpu_host(repositories=Known((OLD, PRESENT), "/etc/apt"))
    assert finding(machine, "nvidia-docker-repository-retired").severity == "note"


def test_the_present_repository_is_well() -> None:
    assert causes(containers.gpu_host(repositories=Known((PRESENT,), "/etc/apt"))) == set()


def test_it_is_seen_without_a_gpu_too() -> None:
    host = healthy.no_gpu_server()
    machine = host.replace(containers=host.containers.replace(repositories=Known((OLD,), "/etc/apt")))
    assert causes(machine) == {"nvidia-docker-repository-retired"}
