"""container-docker-snap-or-desktop: a Docker that can't reach the host's GPU."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines.parts import containers, host


def desktop(**changes: object) -> object:
    return containers.docker(
        endpoint="unix:///home/u/.docker/desktop/docker.sock",
        selected_by="context desktop-linux",
        flavour="desktop",
        runtimes=Known(("runc",), containers.INFO),
        file_runtimes=Known({}, "~"),
        started=Absent("/proc"),
        **changes,
    )


def snap() -> object:
    return containers.docker(
        flavour="snap",
        client=Known("/snap/bin/docker", "PATH"),
        config_file=Known("/var/snap/docker/current/config/daemon.json", "command line"),
        file_runtimes=Known({}, "snap"),
        runtimes=Known(("runc",), containers.INFO),
    )


def test_the_snap_is_named_whatever_the_host_has() -> None:
    machine = containers.gpu_host(engines=Known((snap(),), "PATH"))
    assert causes(machine) == {"container-docker-snap-or-desktop"}
    fix = finding(machine, "container-docker-snap-or-desktop").fix
    assert fix is not None and "snap remove docker" in fix.commands[0]


def test_docker_desktop_is_named_and_the_engine_beside_it() -> None:
    machine = containers.gpu_host(engines=Known((desktop(), containers.docker(selected_by="")), "PATH"))
    assert causes(machine) == {"container-docker-snap-or-desktop"}, folded(machine)
    fix = finding(machine, "container-docker-snap-or-desktop").fix
    assert fix is not None and fix.commands == ("docker context use default",)


def test_on_wsl_docker_desktop_is_right() -> None:
    machine = containers.gpu_host(engines=Known((desktop(),), "PATH")).replace(host=host.wsl2())
    assert "container-docker-snap-or-desktop" not in causes(machine)


def test_a_desktop_that_nobody_talks_to_does_no_harm() -> None:
    machine = containers.gpu_host(
        engines=Known((containers.docker(), desktop().replace(selected_by="")), "PATH")  # type: ignore[attr-defined]
    )
    assert causes(machine) == set()
