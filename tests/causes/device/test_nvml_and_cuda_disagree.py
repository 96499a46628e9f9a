"""nvml-and-cuda-disagree: one UUID, two descriptions."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def test_two_names_for_one_device() -> None:
    machine = ill.with_device(healthy.h100_node(), 0, name="NVIDIA A100-SXM4-80GB")
    assert "nvml-and-cuda-disagree" in causes(machine)
    found = finding(machine, "nvml-and-cuda-disagree")
    assert "A100" in found.title and "H100" in found.title


def test_agreement_is_well() -> None:
    assert causes(healthy.h100_node()) == set()


def test_a_libcuda_that_fails_cannot_be_compared() -> None:
    result = judgement(ill.with_cuda(healthy.h100_node(), 8, code=802))
    assert any(s.id == "nvml-and-cuda-disagree" for s in result.skipped)
