"""What the toolkit rules do not know, they neither find nor pass."""

from __future__ import annotations

import pytest

from gpudoctor.facts.cuda import Selection, Tool
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import judgement
from tests.machines import healthy
from tests.machines.parts import cuda

UNREADABLE = Unknown("/opt/cuda: permission denied", "root")


def nameless() -> Machine:
    """Two toolkits that do not say their release, everything selected and in use."""
    first = cuda.toolkit("12.4", release=UNREADABLE, version=UNREADABLE)
    second = cuda.toolkit("11.8", release=UNREADABLE, version=UNREADABLE)
    at = first.real_prefix
    ptxas = Tool("ptxas", "/opt/old/bin/ptxas", UNREADABLE, "PATH", "/opt/old/bin/ptxas", "/opt/old")
    triton = Tool("ptxas", "/t/ptxas", UNREADABLE, "TRITON_PTXAS_PATH", "/t/ptxas", "")
    nvcc = cuda.tool("nvcc", "12.4", at, "PATH")
    frameworks = cuda.environment_with(builds=(cuda.build("torch", "2.5.1", "12.4"),))
    machine = cuda.with_cuda(
        healthy.rtx3050_laptop(),
        first,
        second,
        selections=Known((*cuda.on_path(at), cuda.selects("CUDA_HOME", second.real_prefix)), "environment"),
        tools_on_path=Known((nvcc, ptxas, triton), "PATH"),
    )
    library = cuda.entry("LD_LIBRARY_PATH", f"{second.prefix}/lib64")
    return machine.replace(frameworks=frameworks, environment=cuda.shell(library))


@pytest.mark.parametrize(
    "cause",
    [
        "cuda-home-disagrees-with-path",
        "nvcc-arch-unsupported",
        "nvcc-mismatch-with-torch",
        "path-of-another-cuda-major",
        "ptxas-from-another-toolkit",
        "ptxas-too-old",
        "toolkit-newer-than-driver",
    ],
)
def test_a_release_that_nobody_could_read(cause: str) -> None:
    result = judgement(nameless())
    assert cause in {skip.id for skip in result.skipped}
    assert cause not in result.passed
    assert cause not in {found.id for found in result.findings}


@pytest.mark.parametrize("cause", ["nvcc-arch-unsupported", "ptxas-too-old"])
def test_a_gpu_whose_capability_nobody_said(cause: str) -> None:
    from tests.machines.parts import gpu

    device = gpu.nvml_device(0, "NVIDIA X", "8.6", 4 << 30, False, compute_capability=UNREADABLE)
    laptop = healthy.rtx3050_laptop()
    assert isinstance(laptop.gpu.nvml, Known) and isinstance(laptop.gpu.cuda, Known)
    nvml = Known(laptop.gpu.nvml.value.replace(devices=(device,)), "nvml")
    no_cuda = Known(laptop.gpu.cuda.value.replace(devices=()), "libcuda")
    triton = cuda.tool("ptxas", "12.4", "/t", "TRITON_PTXAS_PATH")
    machine = cuda.with_cuda(
        laptop.replace(gpu=laptop.gpu.replace(nvml=nvml, cuda=no_cuda)),
        tools_on_path=Known((triton,), "PATH"),
    )
    result = judgement(machine)
    assert cause in {skip.id for skip in result.skipped} and cause not in result.passed


def test_packages_that_could_not_be_read_leave_libdevice_and_libnvvm_open() -> None:
    frameworks = cuda.environment_with(builds=(cuda.build("tensorflow", "2.18.0", "12.5"),))
    assert isinstance(frameworks.interpreters, Known)
    one = frameworks.interpreters.value[0].replace(packages=UNREADABLE)
    machine = healthy.rtx3050_laptop().replace(
        frameworks=frameworks.replace(interpreters=Known((one,), "PATH"))
    )
    result = judgement(machine)
    assert {"libdevice-not-found", "libnvvm-missing"} <= {skip.id for skip in result.skipped}


def test_a_cuda_home_whose_nvcc_is_a_script_that_nobody_understands() -> None:
    home = Selection(
        "CUDA_HOME", "/opt/cuda", Unknown("/opt/cuda/bin/nvcc is a script that does more than run nvcc")
    )
    result = judgement(cuda.with_cuda(healthy.rtx3050_laptop(), selections=Known((home,), "environment")))
    assert "cuda-home-missing" in {skip.id for skip in result.skipped}
    assert result.findings == ()


def test_libraries_that_could_not_be_read_leave_libnvvm_open() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(
        frameworks=cuda.environment_with(cuda.package("numba")),
        libraries=laptop.libraries.replace(copies=UNREADABLE),
    )
    result = judgement(machine)
    assert "libnvvm-missing" in {skip.id for skip in result.skipped}
    assert "libnvvm-missing" not in {found.id for found in result.findings}
