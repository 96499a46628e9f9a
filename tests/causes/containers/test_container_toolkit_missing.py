"""container-toolkit-missing: Docker and a GPU, and nothing between them."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import containers

#: Docker Engine as its packages leave it.
FRESH = {
    "file_runtimes": Known({}, containers.FILE),
    "runtimes": Known(("io.containerd.runc.v2", "runc"), containers.INFO),
    "hook": Absent("the daemon's PATH"),
}
NO_TOOLKIT = {"toolkit": Absent("nvidia-ctk on PATH"), "repositories": Known((), "/etc/apt")}


def fresh(**changes: object) -> object:
    engines = Known((containers.docker(**{**FRESH, **changes}),), "PATH")
    return containers.gpu_host(engines=engines, **NO_TOOLKIT)


def test_docker_on_a_gpu_host_without_the_toolkit_is_warned_of() -> None:
    machine = fresh()
    assert causes(machine) == {"container-toolkit-missing"}
    found = finding(machine, "container-toolkit-missing")
    assert found.severity == "warning"
    assert found.fix is not None and "apt-get install -y nvidia-container-toolkit" in found.fix.commands[2]


def test_with_a_runtime_in_the_file_somebody_wants_gpus_and_it_fails() -> None:
    machine = fresh(
        file_runtimes=Known({"nvidia": containers.RUNTIME}, containers.FILE),
        paths_missing=Known({"nvidia": containers.RUNTIME}, "PATH"),
    )
    assert causes(machine) == {"container-toolkit-missing"}
    assert finding(machine, "container-toolkit-missing").severity == "failure"


def test_a_cdi_specification_makes_up_for_it() -> None:
    machine = containers.with_specs(
        containers.spec(), engines=Known((containers.docker(**FRESH),), "PATH"), **NO_TOOLKIT
    )
    assert "container-toolkit-missing" not in causes(machine)


def test_a_docker_host_without_a_gpu_needs_none() -> None:
    host = healthy.no_gpu_server()
    engines = Known((containers.docker(**FRESH),), "PATH")
    assert causes(host.replace(containers=host.containers.replace(engines=engines))) == set()


def test_a_client_without_a_daemon_needs_none() -> None:
    machine = fresh(flavour="unknown", answers=Known(False, "/var/run/docker.sock"), started=Absent("/proc"))
    assert "container-toolkit-missing" not in causes(machine)
