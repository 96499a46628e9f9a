"""nouveau-active: another driver got there first. The log's words: NVIDIA's nv-pci.c, in public bug reports."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host


def owned_by(name: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    said = host.event("bound-elsewhere", "NVRM: The NVIDIA probe routine was not called for 1 device(s).")
    return laptop.replace(
        host=host.ubuntu(kernel_log=host.log(said)),
        driver=driver.not_loaded(),
        gpu=gpu.not_loaded(laptop.gpu, name),
    )


@pytest.mark.parametrize("owner", ["nouveau", "NovaCore"])
def test_the_owner_is_named_and_blacklisted(owner: str) -> None:
    machine = owned_by(owner)
    assert causes(machine) == {"nouveau-active"}
    found = finding(machine, "nouveau-active")
    assert owner in found.title
    assert found.fix is not None and "update-initramfs" in found.fix.commands[1]


def test_a_gpu_without_any_driver_bound_is_the_general_cause() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(driver=driver.not_loaded(), gpu=gpu.not_loaded(laptop.gpu))
    assert causes(machine) == {"kernel-module-not-loaded"}
