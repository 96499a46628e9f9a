"""driver-half-installed: a hook of the package failed."""

from __future__ import annotations

from gpudoctor.facts.driver import Package
from gpudoctor.facts.host import Distribution
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy


def with_state(state: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    packages = Known((Package("nvidia-dkms-550", "550.163.01-0ubuntu1", state),), "/var/lib/dpkg/status")
    return laptop.replace(driver=laptop.driver.replace(packages=packages))


def test_a_half_configured_package_is_named() -> None:
    assert causes(with_state("half-configured")) == {"driver-half-installed"}
    assert "nvidia-dkms-550" in finding(with_state("half-configured"), "driver-half-installed").title


def test_what_a_removed_package_left_behind_is_well() -> None:
    assert causes(with_state("config-files")) == set()


def test_rpm_has_no_such_state() -> None:
    machine = with_state("half-configured")
    fedora = Known(Distribution("fedora", "42", "Fedora Linux 42"), "/etc/os-release")
    assert "driver-half-installed" not in causes(
        machine.replace(host=machine.host.replace(distribution=fedora))
    )
