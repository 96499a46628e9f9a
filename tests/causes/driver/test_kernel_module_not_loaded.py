"""kernel-module-not-loaded: the general cause, where nothing shows why."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def after_a_kernel_update() -> Machine:
    """The module lies under the kernel before; this kernel has none (crhy/spaced#20)."""
    laptop = healthy.rtx3050_laptop()
    files = Known((driver.module_file("550.163.01", "6.8.0-40-generic"),), "/lib/modules")
    return laptop.replace(driver=driver.not_loaded(module_files=files), gpu=gpu.not_loaded(laptop.gpu))


def test_a_module_for_another_kernel_only_names_both_kernels() -> None:
    machine = after_a_kernel_update()
    assert causes(machine) == {"kernel-module-not-loaded"}
    found = finding(machine, "kernel-module-not-loaded")
    assert "6.8.0-45-generic" in found.title and "6.8.0-40-generic" in found.title
    assert found.fix is not None and "linux-headers-6.8.0-45-generic" in found.fix.commands[0]


def test_a_module_on_disk_is_to_be_loaded() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(driver=driver.not_loaded(), gpu=gpu.not_loaded(laptop.gpu))
    assert causes(machine) == {"kernel-module-not-loaded"}
    fix = finding(machine, "kernel-module-not-loaded").fix
    assert fix is not None and fix.commands[0] == "sudo modprobe nvidia"


def test_no_symptom_stands_beside_it() -> None:
    assert set(folded(after_a_kernel_update()).values()) <= {"kernel-module-not-loaded"}


def test_a_loaded_module_is_well() -> None:
    assert causes(healthy.rtx3050_laptop()) == set()


def test_a_module_that_could_not_be_looked_for_is_not_missing() -> None:
    machine = after_a_kernel_update()
    machine = machine.replace(driver=machine.driver.replace(module=Unknown("/sys is not mounted")))
    assert "kernel-module-not-loaded" in {s.id for s in judgement(machine).skipped}
