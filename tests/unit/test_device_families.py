"""The families that judge devices: when they apply, and how the witnesses are brought together."""

from __future__ import annotations

import pytest

from gpudoctor.facts.gpu import Nvml
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.rules.witnesses import address, by_device, codes_of, subject_at
from tests.judged import judgement
from tests.machines import healthy
from tests.machines.parts import gpu, host, ill

FAMILIES = ("device", "hardware", "multigpu")


def not_applicable(machine: Machine) -> set[str]:
    """Families of which no cause could be judged, for their gate's reason."""
    from gpudoctor.rules.registry import causes

    family = {cause.id: cause.family for cause in causes()}
    reasons: dict[str, set[str]] = {}
    for one in judgement(machine).not_applicable:
        reasons.setdefault(family[one.id], set()).add(one.reason)
    return {name for name, said in reasons.items() if said == {"no NVIDIA GPU in this machine"}}


def test_without_a_gpu_none_of_them_applies() -> None:
    assert not_applicable(healthy.no_gpu_server()) >= set(FAMILIES)


def test_what_the_log_says_of_a_vanished_gpu_is_judged() -> None:
    machine = ill.with_log(healthy.no_gpu_server(), ill.xid(79, "GPU has fallen off the bus."))
    assert not_applicable(machine) & set(FAMILIES) == {"device", "multigpu"}


def test_a_bus_that_cannot_be_read_rules_no_gpu_out() -> None:
    machine = healthy.no_gpu_server()
    machine = machine.replace(gpu=machine.gpu.replace(pci=Unknown("no /sys")))
    assert not not_applicable(machine) & set(FAMILIES)


def test_on_wsl2_the_bus_shows_nothing_and_a_gpu_may_be_there() -> None:
    machine = healthy.no_gpu_server().replace(host=host.wsl2())
    assert not not_applicable(machine) & set(FAMILIES)


def test_a_driver_that_answers_strangely_rules_no_gpu_out() -> None:
    machine = healthy.no_gpu_server()
    strange = Known(Nvml("failed", 999, "Unknown Error"), "nvml")
    assert not not_applicable(machine.replace(gpu=machine.gpu.replace(nvml=strange))) & set(FAMILIES)


@pytest.mark.parametrize("spelled", ["00000000:3B:00.0", "0000:3b:00.0", "0000:3b:00", "3b:00.0", "3B:00"])
def test_addresses_are_spelled_in_one_way(spelled: str) -> None:
    assert address(spelled) == "0000:3b:00.0"


def test_a_domain_is_kept() -> None:
    assert address("0001:01:00.0") == "0001:01:00.0"


def test_an_address_is_the_device_that_tells_it() -> None:
    assert subject_at(healthy.h100_node().gpu, gpu.address(3)[:-2]).name == gpu.uuid(3)


def test_with_two_silent_devices_an_address_stands_for_itself() -> None:
    machine = ill.lost(ill.lost(healthy.h100_node(), 2), 3)
    assert subject_at(machine.gpu, gpu.address(2)).name == gpu.address(2)


def test_a_line_without_an_address_is_the_only_gpus() -> None:
    line = ill.xid(31, "words").replace(pci="")
    ((subject, _),) = by_device(healthy.rtx3050_laptop().gpu, [line])
    assert subject.name == gpu.uuid(0)
    ((subject, _),) = by_device(healthy.h100_node().gpu, [line])
    assert subject.name == "unknown"


def test_lines_are_counted() -> None:
    assert codes_of([ill.xid(48), ill.xid(63)]) == "Xid 48 and Xid 63"
    assert codes_of([ill.xid(48), ill.xid(48), ill.xid(48)]) == "Xid 48 (3 lines)"


@pytest.mark.parametrize("nvml", [Absent("libnvidia-ml.so.1"), Unknown("another root")])
def test_without_nvml_no_rule_of_theirs_passes_or_breaks(nvml: object) -> None:
    node = healthy.h100_node()
    machine = node.replace(
        gpu=node.gpu.replace(nvml=nvml, cuda=nvml),
        host=node.host.replace(kernel_log=Unknown("permission denied", "root")),
    )
    result = judgement(machine)
    asks_nvml = {"gpu-exclusive-mode", "gpu-thermal-slowdown", "pcie-link-degraded", "ecc-uncorrectable"}
    assert not asks_nvml & set(result.passed)
    assert result.findings == ()
