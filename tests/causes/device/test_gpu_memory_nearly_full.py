"""gpu-memory-nearly-full: by others, before anything is started."""

from __future__ import annotations

from gpudoctor.facts.gpu import Process
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_who_has_it_is_named() -> None:
    machine = ill.with_device(
        healthy.h100_node(),
        4,
        memory_used=78 << 30,
        processes=(Process(10, "Xorg", 1 << 20), Process(11, "python", 77 << 30)),
    )
    assert causes(machine) == {"gpu-memory-nearly-full"}
    found = finding(machine, "gpu-memory-nearly-full")
    assert found.severity == "note" and "78.0 of 80.0 GiB" in found.title and "python (pid 11" in found.title


def test_memory_that_nobody_is_seen_to_hold_is_a_warning() -> None:
    """A process of another container, or one that died and was not let go."""
    machine = ill.with_device(healthy.h100_node(), 4, memory_used=78 << 30, processes=())
    assert finding(machine, "gpu-memory-nearly-full").severity == "warning"


def test_half_full_is_well() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 4, memory_used=40 << 30)) == set()
