"""driver-upgrade-pending-reboot: the next boot will not fit."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver


def on_disk(version: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    files = Known((driver.module_file(version),), "/lib/modules")
    return laptop.replace(driver=laptop.driver.replace(module_files=files))


def test_a_module_on_disk_of_another_version_is_announced() -> None:
    assert causes(on_disk("570.86.10")) == {"driver-upgrade-pending-reboot"}
    found = finding(on_disk("570.86.10"), "driver-upgrade-pending-reboot")
    assert found.severity == "warning" and "570.86.10" in found.title


def test_one_version_everywhere_is_well() -> None:
    assert causes(on_disk("550.163.01")) == set()
