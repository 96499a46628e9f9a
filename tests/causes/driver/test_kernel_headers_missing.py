"""kernel-headers-missing: DKMS skipped this kernel without a word."""

from __future__ import annotations

from gpudoctor.facts.host import DkmsBuild
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

OLD = "6.8.0-40-generic"


def without_headers() -> Machine:
    laptop = healthy.rtx3050_laptop()
    dkms = Known((DkmsBuild("nvidia", "550.163.01", OLD, "installed"),), "/var/lib/dkms")
    files = Known((driver.module_file("550.163.01", OLD),), "/lib/modules")
    return laptop.replace(
        host=host.ubuntu(dkms=dkms, kernel_headers=Absent(f"/lib/modules/{host.KERNEL}/build")),
        driver=driver.not_loaded(module_files=files),
        gpu=gpu.not_loaded(laptop.gpu),
    )


def test_missing_headers_explain_the_missing_module() -> None:
    assert causes(without_headers()) == {"kernel-headers-missing"}
    fix = finding(without_headers(), "kernel-headers-missing").fix
    assert fix is not None and fix.commands[0] == f"sudo apt-get install linux-headers-{host.KERNEL}"


def test_with_headers_the_general_cause_stands() -> None:
    machine = without_headers()
    headers = Known(f"/lib/modules/{host.KERNEL}/build", "build")
    machine = machine.replace(host=machine.host.replace(kernel_headers=headers))
    assert causes(machine) == {"kernel-module-not-loaded"}


def test_missing_headers_do_no_harm_while_the_module_is_there() -> None:
    laptop = healthy.rtx3050_laptop()
    dkms = Known((DkmsBuild("nvidia", "550.163.01", host.KERNEL, "installed"),), "/var/lib/dkms")
    machine = laptop.replace(host=host.ubuntu(dkms=dkms, kernel_headers=Absent("build")))
    assert causes(machine) == set()
