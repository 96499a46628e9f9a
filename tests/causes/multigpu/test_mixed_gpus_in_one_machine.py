"""mixed-gpus-in-one-machine: a note, and each is judged by itself."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import mixed


def test_two_kinds_are_named() -> None:
    machine = mixed.small_then_large()
    assert causes(machine) == {"mixed-gpus-in-one-machine"}
    found = finding(machine, "mixed-gpus-in-one-machine")
    assert found.severity == "note" and "GTX 1080 Ti (6.1)" in found.title and "RTX 3090 (8.6)" in found.title


def test_eight_of_one_kind_are_not_mixed() -> None:
    assert causes(healthy.h100_node()) == set()
