"""module-built-but-refused: the file is there and the kernel will not have it (siderolabs/talos#7174)."""

from __future__ import annotations

from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host


def refused(*lines: KernelEvent) -> Machine:
    laptop = healthy.rtx3050_laptop()
    return laptop.replace(
        host=host.ubuntu(kernel_log=host.log(*lines)),
        driver=driver.not_loaded(),
        gpu=gpu.not_loaded(laptop.gpu),
    )


def test_a_module_of_another_kernel_is_told_by_its_version_magic() -> None:
    line = "nvidia: version magic '6.8.0-45 SMP' should be '6.8.0-45-generic SMP preempt mod_unload modversions '"
    machine = refused(host.event("module-unfit", line))
    assert causes(machine) == {"module-built-but-refused"}
    assert "another kernel" in finding(machine, "module-built-but-refused").title


def test_enforced_signatures_without_secure_boot_are_told_too() -> None:
    machine = refused(host.event("module-rejected", "Loading of module with unavailable key is rejected"))
    assert causes(machine) == {"module-built-but-refused"}
    assert "signature" in finding(machine, "module-built-but-refused").title


def test_a_silent_kernel_leaves_the_general_cause() -> None:
    assert causes(refused()) == {"kernel-module-not-loaded"}
