"""ptx-newer-than-driver: known from the program's own message, but for a what-if. Composed from NVIDIA's table of PTX ISA
versions (https://docs.nvidia.com/cuda/parallel-thread-execution/#release-notes)."""

from __future__ import annotations

from gpudoctor.facts.machine import Expectation, Machine
from tests.judged import causes, judgement
from tests.machines import healthy


def running(ptx_of: str) -> Machine:
    """Driver 550.163.01, which has CUDA 12.4."""
    return healthy.rtx3050_laptop().replace(expectation=Expectation(ptx_of=ptx_of))


def test_ptx_of_a_newer_minor() -> None:
    assert causes(running("12.6")) == {"ptx-newer-than-driver"}


def test_ptx_of_the_drivers_own_cuda() -> None:
    assert causes(running("12.4")) == set()
    assert causes(running("11.8")) == set()


def test_a_release_outside_the_table_is_not_known() -> None:
    assert "ptx-newer-than-driver" in {s.id for s in judgement(running("99.0")).skipped}


def test_nobody_asked() -> None:
    assert "ptx-newer-than-driver" in {n.id for n in judgement(running("")).not_applicable}
