"""driver-library-mismatch: module and libraries of two versions."""

from __future__ import annotations

from gpudoctor.facts.gpu import Nvml
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver


def upgraded_under_a_running_module() -> Machine:
    """unattended-upgrades put 550.163.01 on a laptop that still runs the module of 550.54.14."""
    laptop = healthy.rtx3050_laptop()
    module = driver.installed("550.54.14").module
    gpu = laptop.gpu.replace(
        nvml=Known(Nvml("failed", 18, "Driver/library version mismatch"), "nvml"),
        cuda=Known(
            laptop.gpu.cuda.value.replace(
                state="failed", code=803, name="CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", devices=()
            ),
            "libcuda",
        ),
    )
    return laptop.replace(driver=laptop.driver.replace(module=module), gpu=gpu)


def test_an_upgrade_under_a_running_module_is_named_with_both_versions() -> None:
    machine = upgraded_under_a_running_module()
    assert causes(machine) == {"driver-library-mismatch"}
    found = finding(machine, "driver-library-mismatch")
    assert "550.54.14" in found.title and "550.163.01" in found.title
    assert found.fix is not None and "reboot" in found.fix.commands[0]


def test_two_installations_are_not_mended_by_a_reboot() -> None:
    machine = upgraded_under_a_running_module()
    on_disk = driver.installed("550.54.14").module_files
    machine = machine.replace(driver=machine.driver.replace(module_files=on_disk))
    fix = finding(machine, "driver-library-mismatch").fix
    assert fix is not None and "remove one" in fix.summary


def test_the_same_laptop_after_its_reboot_is_well() -> None:
    assert causes(healthy.rtx3050_laptop()) == set()


def test_cuda_compat_of_another_version_is_no_mismatch() -> None:
    node = healthy.h100_node()
    compat = driver.library("libcuda.so.1", "560.35.03", "/usr/local/cuda/compat", origin="compat")
    libraries = Known((compat, *node.driver.libraries.value), "loader")
    assert "driver-library-mismatch" not in causes(
        node.replace(driver=node.driver.replace(libraries=libraries))
    )


def test_no_module_is_another_illness() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(driver=laptop.driver.replace(module=Absent("/sys/module/nvidia")))
    assert "driver-library-mismatch" not in causes(machine)


def test_nvmls_own_word_is_enough_where_the_module_cannot_be_seen() -> None:
    """In a sandbox without /sys: nvmlInit's 18 is the kernel's own refusal."""
    machine = upgraded_under_a_running_module()
    machine = machine.replace(driver=machine.driver.replace(module=Absent("/sys/module/nvidia")))
    assert "driver-library-mismatch" in causes(machine)
    assert "550.163.01" in finding(machine, "driver-library-mismatch").title


def test_803_while_nvml_answers_is_a_libcuda_from_elsewhere() -> None:
    laptop = healthy.rtx3050_laptop()
    refused = laptop.gpu.cuda.value.replace(state="failed", code=803, devices=())
    machine = laptop.replace(gpu=laptop.gpu.replace(cuda=Known(refused, "libcuda")))
    assert "driver-library-mismatch" not in causes(machine) != set()
