"""wrong-accelerator-build: a ROCm or XPU build beside an NVIDIA GPU. Composed from PyTorch's local versions."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def rocm() -> Machine:
    build = frameworks.torch("2.5.1+rocm6.2", "")
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_a_rocm_build_on_nvidia() -> None:
    assert causes(rocm()) == {"wrong-accelerator-build"}
    fix = finding(rocm(), "wrong-accelerator-build").fix
    assert fix is not None and fix.commands[0].endswith("/cu124")


def test_with_an_amd_gpu_beside_it_the_build_may_be_wanted() -> None:
    machine = rocm()
    nvidia = machine.gpu.pci.value[0]
    amd = nvidia.replace(address="0000:05:00.0", vendor=0x1002, device=0x744C)
    both = machine.replace(gpu=machine.gpu.replace(pci=Known((nvidia, amd), "/sys")))
    assert "wrong-accelerator-build" not in causes(both)


def test_without_an_nvidia_gpu_it_is_not_ours() -> None:
    assert causes(healthy.no_gpu_server().replace(frameworks=rocm().frameworks)) == set()
