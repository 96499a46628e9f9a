"""gpu-power-capped: by NVML's clock event reasons."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_reason_is_named_for_the_device() -> None:
    machine = ill.with_device(healthy.h100_node(), 5, throttle=("sw-power-cap",), temperature=91)
    assert causes(machine) == {"gpu-power-capped"}
    found = finding(machine, "gpu-power-capped")
    assert found.severity == "note" and "GPU 5" in found.title and "700 W" in found.title


def test_other_reasons_are_not_taken_for_it() -> None:
    machine = ill.with_device(healthy.h100_node(), 5, throttle=("sync-boost", "applications-clocks-setting"))
    assert "gpu-power-capped" not in causes(machine)
