"""memlock-too-low: several GPUs, and a network card that reads memory by itself."""

from __future__ import annotations

from gpudoctor.facts.host import Limits
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import host

DEFAULT = 8 << 20
NO_CARD = Absent("/sys/class/infiniband")


def limited(machine: Machine, memlock: int, cards: Observed[object] = NO_CARD) -> Machine:
    limits = Known(Limits(memlock=memlock, nofile=1024), "getrlimit")
    return machine.replace(host=machine.host.replace(limits=limits, infiniband=cards))


def test_the_kernels_default_on_a_node_with_infiniband() -> None:
    machine = limited(healthy.h100_node(), DEFAULT, host.rdma("mlx5_0", "mlx5_1"))
    assert causes(machine) == {"memlock-too-low"}
    found = finding(machine, "memlock-too-low")
    assert found.severity == "note" and "8192 KiB" in found.title
    assert ("InfiniBand of mlx5_0", "active") in [(e.what, e.value) for e in found.evidence]


def test_the_same_node_without_such_a_card() -> None:
    machine = limited(healthy.h100_node(), DEFAULT)
    assert causes(machine) == set() and judgement(machine).skipped == ()


def test_a_card_without_a_cable() -> None:
    machine = limited(healthy.h100_node(), DEFAULT, host.rdma("mlx5_0", active=False))
    assert causes(machine) == set() and judgement(machine).skipped == ()


def test_a_single_gpu_needs_none() -> None:
    assert causes(limited(healthy.rtx3050_laptop(), DEFAULT, host.rdma("mlx5_0"))) == set()


def test_an_eighth_of_the_memory_is_enough() -> None:
    assert causes(limited(healthy.h100_node(), 128 << 30, host.rdma("mlx5_0"))) == set()
