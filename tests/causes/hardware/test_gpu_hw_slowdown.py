"""gpu-hw-slowdown: by NVML's clock event reasons."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_the_reason_is_named_for_the_device() -> None:
    machine = ill.with_device(healthy.h100_node(), 5, throttle=("hw-slowdown",), temperature=91)
    assert causes(machine) == {"gpu-hw-slowdown"}
    found = finding(machine, "gpu-hw-slowdown")
    assert found.severity == "note" and "GPU 5" in found.title and "no reason" in found.title


def test_other_reasons_are_not_taken_for_it() -> None:
    machine = ill.with_device(healthy.h100_node(), 5, throttle=("sw-thermal-slowdown",))
    assert "gpu-hw-slowdown" not in causes(machine)
