"""docker-needs-restart-for-gpus: a hook that came after dockerd's start."""

from __future__ import annotations

from gpudoctor.facts.driver import PackageChange
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers

LATER = containers.STARTED + 600


def installed_later(*actions: str) -> Machine:
    machine = containers.with_toolkit(installed_at=Known(LATER, "stat"))
    changes = tuple(
        PackageChange(LATER, action, "nvidia-container-toolkit-base", "", "1.17.8-1") for action in actions
    )
    return machine.replace(driver=machine.driver.replace(changes_since_boot=Known(changes, "dpkg.log")))


def test_a_hook_installed_after_dockerds_start_is_not_seen() -> None:
    machine = installed_later("install")
    assert causes(machine) == {"docker-needs-restart-for-gpus"}
    found = finding(machine, "docker-needs-restart-for-gpus")
    assert found.severity == "failure" and "10 min" in found.title
    assert found.fix is not None and found.fix.commands == ("sudo systemctl restart docker",)


def test_without_a_package_log_it_is_a_suspicion() -> None:
    assert finding(installed_later(), "docker-needs-restart-for-gpus").severity == "warning"


def test_an_upgrade_of_the_toolkit_needs_no_restart() -> None:
    assert causes(installed_later("upgrade")) == set()


def test_a_docker_started_after_it_is_well() -> None:
    assert causes(containers.gpu_host()) == set()
