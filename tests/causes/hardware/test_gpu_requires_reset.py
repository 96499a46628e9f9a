"""gpu-requires-reset: NVML_ERROR_RESET_REQUIRED for one device."""

from __future__ import annotations

from gpudoctor.facts.observed import Unknown
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_a_device_that_wants_a_reset() -> None:
    machine = ill.with_device(healthy.h100_node(), 6, memory_total=Unknown("GPU requires reset"))
    assert causes(machine) == {"gpu-requires-reset"}
    assert "GPU 6" in finding(machine, "gpu-requires-reset").title


def test_another_error_is_not_taken_for_it() -> None:
    machine = ill.with_device(healthy.h100_node(), 6, memory_total=Unknown("Unknown Error"))
    assert causes(machine) == set()
