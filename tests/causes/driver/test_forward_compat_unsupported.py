"""forward-compat-unsupported: cuda-compat in an image, on a GeForce (microsoft/onnxruntime#21435)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver


def with_compat(machine: Machine) -> Machine:
    compat = driver.library("libcuda.so.1", "560.35.03", "/usr/local/cuda/compat", origin="compat")
    libraries = Known((compat, *machine.driver.libraries.value), "loader")
    return machine.replace(driver=machine.driver.replace(libraries=libraries))


def geforce() -> Machine:
    machine = with_compat(healthy.rtx3050_laptop())
    cuda = machine.gpu.cuda.value.replace(
        state="failed", code=804, name="CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", devices=()
    )
    return machine.replace(gpu=machine.gpu.replace(cuda=Known(cuda, "libcuda")))


def test_compat_on_a_geforce_is_named_with_its_folder() -> None:
    assert "forward-compat-unsupported" in causes(geforce())
    found = finding(geforce(), "forward-compat-unsupported")
    assert "/usr/local/cuda/compat/libcuda.so.1" in found.title


def test_it_is_seen_before_anybody_asked_libcuda() -> None:
    machine = geforce()
    assert "forward-compat-unsupported" in causes(
        machine.replace(gpu=machine.gpu.replace(cuda=Unknown("not asked")))
    )


def test_compat_on_a_data_centre_gpu_that_answers_is_what_it_is_for() -> None:
    assert "forward-compat-unsupported" not in causes(with_compat(healthy.h100_node()))
