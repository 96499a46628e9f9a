"""nvcc-arch-unsupported: the GPU came after the toolkit."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import cuda


def test_cuda_12_4_does_not_know_blackwell() -> None:
    """12.0 came with CUDA 12.8 (ptxas --help of the wheels)."""
    machine = cuda.with_cuda(healthy.rtx5090_desktop(), cuda.toolkit("12.4"))
    assert causes(machine) == {"nvcc-arch-unsupported"}
    found = finding(machine, "nvcc-arch-unsupported")
    assert "nvcc 12.4 cannot compile for sm_120" in found.title and "sm_90" in found.title
    assert found.severity == "warning"


def test_it_fails_where_somebody_builds() -> None:
    machine = cuda.with_cuda(healthy.rtx5090_desktop(), cuda.toolkit("12.4")).replace(
        frameworks=cuda.environment_with(cuda.package("ninja"))
    )
    assert finding(machine, "nvcc-arch-unsupported").severity == "failure"


def test_cuda_12_8_knows_blackwell() -> None:
    assert causes(cuda.with_cuda(healthy.rtx5090_desktop(), cuda.toolkit("12.8"))) == set()


def test_a_release_that_no_table_has_is_not_judged() -> None:
    new = cuda.toolkit("99.0", "/opt/cuda")
    result = judgement(cuda.with_cuda(healthy.rtx5090_desktop(), new))
    assert "nvcc-arch-unsupported" not in result.passed
    assert "nvcc-arch-unsupported" in {skip.id for skip in result.skipped}


def test_an_old_gpu_is_another_cause() -> None:
    """CUDA 13.0 starts at 7.5: a GPU of 6.1 is gpu-too-old-for-toolkit."""
    from tests.machines.parts import gpu

    machine = healthy.rtx3050_laptop().replace(
        gpu=gpu.answering(1, "NVIDIA GeForce GTX 1080 Ti", "6.1", 0x1B06, 11 << 30, False),
        cuda=cuda.installed(cuda.toolkit("13.0")),
    )
    assert "nvcc-arch-unsupported" not in causes(machine)


def test_a_target_of_one_architecture_came_later_than_the_architecture() -> None:
    """sm_90a came with CUDA 12.0, sm_90 with 11.8 (ptxas --help of both)."""
    from gpudoctor.facts.machine import Expectation

    for release, ill in (("11.8", True), ("12.0", False)):
        machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit(release))
        found = causes(machine.replace(expectation=Expectation(targets=("9.0a",))))
        assert ("nvcc-arch-unsupported" in found) is ill
