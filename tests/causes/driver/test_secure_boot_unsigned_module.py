"""secure-boot-unsigned-module. The kernel's words: kernel/module/signing.c."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

REJECTED = host.event("module-rejected", "Loading of module with unavailable key is rejected")


def refused(secure_boot: bool, signed: bool, *lines: object) -> Machine:
    laptop = healthy.rtx3050_laptop()
    file = driver.module_file("550.163.01", signed=Known(signed, "modinfo"))
    return laptop.replace(
        host=host.ubuntu(secure_boot=Known(secure_boot, "efivars"), kernel_log=host.log(*lines)),  # type: ignore[arg-type]
        driver=driver.not_loaded(module_files=Known((file,), "/lib/modules")),
        gpu=gpu.not_loaded(laptop.gpu),
    )


def test_an_unsigned_module_under_secure_boot_is_named() -> None:
    machine = refused(True, False)
    assert causes(machine) == {"secure-boot-unsigned-module"}
    assert "unsigned" in finding(machine, "secure-boot-unsigned-module").title


def test_a_signature_that_nobody_enrolled_is_told_from_none() -> None:
    machine = refused(True, True, REJECTED)
    assert causes(machine) == {"secure-boot-unsigned-module"}
    found = finding(machine, "secure-boot-unsigned-module")
    assert "does not trust" in found.title
    assert found.fix is not None and any("mokutil --import" in c for c in found.fix.commands)


def test_without_secure_boot_an_unsigned_module_is_no_reason() -> None:
    assert causes(refused(False, False)) == {"kernel-module-not-loaded"}


def test_a_signed_module_that_nobody_refused_is_merely_not_loaded() -> None:
    assert causes(refused(True, True)) == {"kernel-module-not-loaded"}
