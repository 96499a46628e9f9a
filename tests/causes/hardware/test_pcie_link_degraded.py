"""pcie-link-degraded: lanes, not generations."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def test_lost_lanes_on_a_server_are_a_warning() -> None:
    machine = ill.with_device(healthy.h100_node(), 5, link_width=8)
    assert causes(machine) == {"pcie-link-degraded"}
    found = finding(machine, "pcie-link-degraded")
    assert found.severity == "warning" and "8 of 16" in found.title


def test_a_cloud_that_gives_every_gpu_eight_lanes() -> None:
    """AWS g4dn and g5, as telegraf's recordings of nvidia-smi -q -x have them: a T4 and an A10G, x8 of x16, passed through."""
    machine = healthy.h100_node()
    for index in range(8):
        machine = ill.with_device(machine, index, link_width=8)
    found = [f for f in judgement(machine).findings if f.id == "pcie-link-degraded"]
    assert [f.severity for f in found] == ["note"] * 8


def test_on_a_desktop_it_is_worth_knowing() -> None:
    machine = ill.with_device(healthy.rtx5090_desktop(), 0, link_width=8)
    assert finding(machine, "pcie-link-degraded").severity == "note"


def test_an_idle_gpu_in_a_low_generation_is_well() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 5, link_generation=1)) == set()


def test_a_narrow_slot_is_no_fault() -> None:
    """NVML's maximum counts the slot in: a laptop wired with four lanes reaches all that it can."""
    assert causes(ill.with_device(healthy.rtx3050_laptop(), 0, link_width=4, link_width_max=4)) == set()


def test_a_virtual_machine_that_tells_no_width_is_not_judged() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 5, link_width=0)) == set()
