"""memlock-too-low: with several GPUs."""

from __future__ import annotations

from gpudoctor.facts.host import Limits
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy


def limited(machine: Machine, memlock: int) -> Machine:
    limits = Known(Limits(memlock=memlock, nofile=1024), "getrlimit")
    return machine.replace(host=machine.host.replace(limits=limits))


def test_the_kernels_default_on_a_node() -> None:
    machine = limited(healthy.h100_node(), 8 << 20)
    assert causes(machine) == {"memlock-too-low"}
    found = finding(machine, "memlock-too-low")
    assert found.severity == "note" and "8192 KiB" in found.title


def test_a_single_gpu_needs_none() -> None:
    assert causes(limited(healthy.rtx3050_laptop(), 8 << 20)) == set()


def test_an_eighth_of_the_memory_is_enough() -> None:
    assert causes(limited(healthy.h100_node(), 128 << 30)) == set()
