"""driver-not-installed: hardware without software."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def fresh_ubuntu() -> Machine:
    """A fresh installation: nouveau has the GPU, nothing of NVIDIA's is there."""
    laptop = healthy.rtx3050_laptop()
    bare = gpu.not_loaded(
        laptop.gpu, "nouveau", nvml=Absent("loader"), cuda=Absent("loader"), smi=Absent("PATH")
    )
    return laptop.replace(driver=driver.missing(), gpu=bare)


def test_a_gpu_without_a_driver_is_named_with_its_product_and_mended_by_the_distribution() -> None:
    machine = fresh_ubuntu()
    assert causes(machine) == {"driver-not-installed"}
    found = finding(machine, "driver-not-installed")
    assert "RTX 3050" in found.title
    assert found.fix is not None and found.fix.commands[0] == "sudo ubuntu-drivers install"


def test_a_leftover_module_for_another_kernel_is_an_installed_driver() -> None:
    machine = fresh_ubuntu()
    files = Known((driver.module_file("550.163.01", "6.5.0-1-generic"),), "/lib/modules")
    machine = machine.replace(driver=driver.missing(module_files=files))
    assert "driver-not-installed" not in causes(machine)


def test_a_container_is_not_told_to_install_a_driver() -> None:
    machine = fresh_ubuntu()
    inside = Known(Inside("docker", "/.dockerenv"), "/.dockerenv")
    machine = machine.replace(containers=machine.containers.replace(inside=inside))
    assert "driver-not-installed" not in causes(machine)


def test_libraries_that_could_not_be_looked_for_are_not_missing() -> None:
    machine = fresh_ubuntu()
    machine = machine.replace(driver=driver.missing(libraries=Unknown("no answer before the deadline")))
    assert "driver-not-installed" not in causes(machine)
    assert "driver-not-installed" in {s.id for s in judgement(machine).skipped}
