"""gpu-order-differs-from-nvidia-smi: in a mixed machine."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import mixed


def test_the_fast_one_is_first_for_cuda() -> None:
    machine = mixed.small_then_large(cuda_order=(1, 0))
    assert "gpu-order-differs-from-nvidia-smi" in causes(machine)
    found = finding(machine, "gpu-order-differs-from-nvidia-smi")
    assert found.severity == "note" and "cuda:0 is GPU 1" in found.title


def test_in_the_order_of_the_bus_both_agree() -> None:
    assert causes(mixed.small_then_large(cuda_order=(0, 1))) == {"mixed-gpus-in-one-machine"}


def test_a_chosen_part_has_the_order_that_was_asked_for() -> None:
    machine = mixed.small_then_large(cuda_order=(1,))
    assert "gpu-order-differs-from-nvidia-smi" not in causes(machine)


def test_equal_gpus_have_one_order() -> None:
    node = healthy.h100_node()
    assert isinstance(node.gpu.cuda, Known) and causes(node) == set()


def test_a_mask_that_reorders_does_so_on_purpose() -> None:
    node = healthy.h100_node()
    cuda = node.gpu.cuda.value
    masked = cuda.replace(devices=(cuda.devices[2], cuda.devices[0]))
    assert causes(node.replace(gpu=node.gpu.replace(cuda=Known(masked, "libcuda")))) == set()
