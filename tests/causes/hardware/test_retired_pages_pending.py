"""retired-pages-pending: before Ampere."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_pending_pages_wait_for_a_reset() -> None:
    machine = ill.with_device(healthy.h100_node(), 0, retired_pages_pending=True)
    assert causes(machine) == {"retired-pages-pending"}
    assert finding(machine, "retired-pages-pending").severity == "warning"


def test_none_pending_is_well() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 0, retired_pages_pending=False)) == set()
