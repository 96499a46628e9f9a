"""dkms-build-failed. Composed: the error of pop-os/pop#3811's kind, versions changed."""

from __future__ import annotations

from gpudoctor.facts.host import DkmsBuild
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

OLD = "6.8.0-40-generic"


def builds(kernel: str) -> Known[tuple[DkmsBuild, ...]]:
    failed = DkmsBuild(
        "nvidia", "550.54.14", kernel, "failed", "nv-mm.c:77: error: too few arguments (make.log)"
    )
    return Known((DkmsBuild("nvidia", "550.54.14", OLD, "installed"), failed), "/var/lib/dkms")


def not_built() -> Machine:
    laptop = healthy.rtx3050_laptop()
    files = Known((driver.module_file("550.54.14", OLD),), "/lib/modules")
    return laptop.replace(
        host=host.ubuntu(dkms=builds(host.KERNEL)),
        driver=driver.not_loaded("550.54.14", module_files=files),
        gpu=gpu.not_loaded(laptop.gpu),
    )


def test_a_failed_build_explains_the_missing_module() -> None:
    assert causes(not_built()) == {"dkms-build-failed"}
    found = finding(not_built(), "dkms-build-failed")
    assert host.KERNEL in found.title and "too few arguments" in found.evidence[0].value


def test_a_log_of_a_build_that_was_repeated_with_success_is_history() -> None:
    machine = not_built()
    files = Known((driver.module_file("550.54.14"),), "/lib/modules")
    machine = machine.replace(driver=machine.driver.replace(module_files=files))
    assert causes(machine) == {"kernel-module-not-loaded"}


def test_a_failed_build_for_a_kernel_to_come_is_a_warning() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(host=host.ubuntu(dkms=builds("6.11.0-8-generic")))
    assert causes(machine) == {"dkms-build-failed"}
    assert finding(machine, "dkms-build-failed").severity == "warning"
