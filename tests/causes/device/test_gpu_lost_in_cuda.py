"""gpu-lost-in-cuda: NVML shows more than libcuda."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_missing_one_is_named() -> None:
    machine = ill.with_cuda(healthy.h100_node(), 7, 7)
    assert causes(machine) == {"gpu-lost-in-cuda"}
    found = finding(machine, "gpu-lost-in-cuda")
    assert found.severity == "failure" and found.subject.kind == "device" and "GPU 7" in found.title


def test_under_a_mask_only_the_count_is_known() -> None:
    machine = ill.with_variable(ill.with_cuda(healthy.h100_node(), 2, 7), "CUDA_VISIBLE_DEVICES", "0,1")
    assert causes(machine) == {"gpu-lost-in-cuda"}
    found = finding(machine, "gpu-lost-in-cuda")
    assert found.severity == "failure" and "7 of the 8" in found.title


def test_a_mask_that_hides_some_loses_none() -> None:
    machine = ill.with_variable(ill.with_cuda(healthy.h100_node(), 2), "CUDA_VISIBLE_DEVICES", "0,1")
    assert causes(machine) == set()


def test_where_cuda_fails_as_a_whole_no_gpu_is_missed() -> None:
    machine = ill.with_cuda(healthy.h100_node(), 0, 0, code=802)
    result = judgement(machine)
    assert any(s.id == "gpu-lost-in-cuda" for s in result.skipped)
    assert not any(f.id == "gpu-lost-in-cuda" for f in result.findings)
