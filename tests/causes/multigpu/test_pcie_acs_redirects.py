"""pcie-acs-redirects: ACS at the ports of a switch that two GPUs share."""

from __future__ import annotations

from gpudoctor.facts.gpu import Bridge
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill

ID = "pcie-acs-redirects"

#: lspci of NVIDIA/nccl#304, broken and mended: SrcValid+ ReqRedir+ CmpltRedir+ UpstreamFwd+, and none of them.
BROKEN, MENDED = 0x001D, 0x0000


def below_one_switch(*acs: Observed[int], driver: str = "nvidia", linked: bool = False) -> Machine:
    """Eight GPUs, the first of which share a switch; the others hang on roots of their own."""
    machine = healthy.h100_node()
    for index in range(8):
        machine = ill.with_device(machine, index, nvlinks=(linked,) * 18)
    assert isinstance(machine.gpu.pci, Known)
    devices, number = [], 0
    for one in machine.gpu.pci.value:
        above: tuple[Bridge, ...] = (Bridge(f"00{number:02x}:00:01.0", Absent("no GPUs part here")),)
        if one.is_display and number < len(acs):
            top = (Bridge("0000:00:01.0", Absent("")), Bridge("0000:01:00.0", Absent("")))
            above = (*top, Bridge(f"0000:02:{number:02x}.0", acs[number]))
            one = one.replace(driver=Known(driver, "link"))
        number += one.is_display
        devices.append(one.replace(bridges=Known(above, "link")))
    return machine.replace(gpu=machine.gpu.replace(pci=Known(tuple(devices), machine.gpu.pci.via)))


def known(*values: int) -> list[Observed[int]]:
    return [Known(value, "config") for value in values]


def test_both_ports_redirect() -> None:
    machine = below_one_switch(*known(BROKEN, BROKEN))
    assert causes(machine) == {ID}
    found = finding(machine, ID)
    assert found.severity == "warning" and "0000:01:00.0" in found.title and found.fix is not None
    assert found.fix.commands == tuple(f"sudo setpci -s 0000:02:0{n}.0 ECAP_ACS+0x6.w=0000" for n in (0, 1))


def test_one_port_is_enough_and_only_it_is_to_be_changed() -> None:
    fix = finding(below_one_switch(*known(BROKEN, MENDED)), ID).fix
    assert fix is not None and len(fix.commands) == 1


def test_source_validation_alone_redirects_nothing() -> None:
    assert causes(below_one_switch(*known(0x0001, MENDED))) == set()


def test_ports_without_such_services_and_roots_of_ones_own() -> None:
    assert causes(below_one_switch(Absent("none"), Absent("none"))) == set()
    assert causes(below_one_switch(*known(BROKEN))) == set()


def test_gpus_that_virtual_machines_have_need_it() -> None:
    assert ID not in causes(below_one_switch(*known(BROKEN, BROKEN), driver="vfio-pci"))


def test_where_all_have_nvlink_it_is_a_note() -> None:
    assert finding(below_one_switch(*known(BROKEN, BROKEN), linked=True), ID).severity == "note"


def test_an_ordinary_user_hears_what_was_not_looked_at() -> None:
    refused = Unknown("config: root of the host alone may read it", "root")
    report = judgement(below_one_switch(refused, refused))
    skip = next(skip for skip in report.skipped if skip.id == ID)
    assert skip.minor and skip.would_help == "root" and not report.undecided(strict=False)
