"""nvidia-module-blacklisted: prime-select intel leaves such a file."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def switched_to_intel() -> Machine:
    laptop = healthy.rtx3050_laptop()
    forbidden = Known(("nouveau", "nvidia", "nvidia_drm"), "/etc/modprobe.d")
    return laptop.replace(driver=driver.not_loaded(blacklisted=forbidden), gpu=gpu.not_loaded(laptop.gpu))


def test_the_blacklist_explains_why_the_module_is_not_loaded() -> None:
    assert causes(switched_to_intel()) == {"nvidia-module-blacklisted"}


def test_blacklisting_nouveau_is_what_a_driver_does() -> None:
    machine = switched_to_intel()
    usual = Known(("nouveau",), "/etc/modprobe.d")
    machine = machine.replace(driver=machine.driver.replace(blacklisted=usual))
    assert causes(machine) == {"kernel-module-not-loaded"}


def test_a_module_that_is_loaded_anyway_is_well() -> None:
    laptop = healthy.rtx3050_laptop()
    forbidden = Known(("nouveau", "nvidia"), "/etc/modprobe.d")
    assert causes(laptop.replace(driver=laptop.driver.replace(blacklisted=forbidden))) == set()
