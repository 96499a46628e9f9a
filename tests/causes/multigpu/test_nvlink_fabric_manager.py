"""nvlink-fabric-manager: 802, the service, its version, and hosts without switches."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.driver import Service
from gpudoctor.facts.gpu import PciDevice
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import ill

NOT_INSTALLED: Observed[Service] = Absent("/usr/bin/nv-fabricmanager")


def manager(version: str = "550.163.01", running: bool = True) -> Observed[Service]:
    return Known(Service("nvidia-fabricmanager", Known(version, "package"), Known(running, "/proc")), "/proc")


def hgx(service: Observed[Service]) -> Machine:
    """Eight H100 and four NVSwitches (bridges of class 0680, NVIDIA's device 22a3 in pci.ids)."""
    node = healthy.h100_node()
    switches = tuple(PciDevice(f"0000:{0xC0 + n:02x}:00.0", 0x10DE, 0x22A3, 0x068000) for n in range(4))
    pci = Known((*node.gpu.pci.value, *switches), "/sys/bus/pci/devices")
    return node.replace(gpu=node.gpu.replace(pci=pci), driver=node.driver.replace(fabric_manager=service))


def test_802_without_the_service() -> None:
    machine = ill.with_cuda(hgx(NOT_INSTALLED), 0, code=802)
    assert "nvlink-fabric-manager" in causes(machine)
    found = finding(machine, "nvlink-fabric-manager")
    assert found.severity == "failure" and "not installed" in found.title
    assert found.fix is not None and "nvidia-fabricmanager-550=550.163.01*" in found.fix.commands[0]


def test_a_service_that_does_not_run() -> None:
    found = finding(ill.with_cuda(hgx(manager(running=False)), 0, code=802), "nvlink-fabric-manager")
    assert "does not run" in found.title and found.fix is not None and "enable --now" in found.fix.commands[0]


def test_a_service_of_another_version() -> None:
    found = finding(hgx(manager("550.90.07-1")), "nvlink-fabric-manager")
    assert found.severity == "warning" and "550.90.07" in found.title and "550.163.01" in found.title


def test_a_fabric_that_is_not_done() -> None:
    machine = ill.with_device(hgx(manager()), 0, fabric="in-progress")
    found = finding(machine, "nvlink-fabric-manager")
    assert found.severity == "failure" and "in-progress" in found.title


def test_a_package_revision_is_not_another_version() -> None:
    assert causes(hgx(manager("550.163.01-1"))) == set()


def test_eight_gpus_without_switches_need_no_service() -> None:
    assert causes(healthy.h100_node()) == set()


def test_a_container_does_not_see_the_hosts_service() -> None:
    machine = hgx(NOT_INSTALLED)
    inside = Known(Inside("docker", "/.dockerenv"), "/.dockerenv")
    machine = machine.replace(containers=machine.containers.replace(inside=inside))
    assert "nvlink-fabric-manager" not in causes(machine)


def test_a_service_that_is_not_known_is_not_passed_unless_cuda_answers() -> None:
    machine = hgx(Unknown("no /proc"))
    assert "nvlink-fabric-manager" in judgement(machine).passed
    silent = machine.replace(gpu=machine.gpu.replace(cuda=Absent("libcuda.so.1")))
    assert any(s.id == "nvlink-fabric-manager" for s in judgement(silent).skipped)


def test_links_that_wait_for_it_fold_under_it() -> None:
    machine = ill.with_cuda(hgx(NOT_INSTALLED), 0, code=802)
    machine = ill.with_device(machine, 0, nvlinks=(True, True))
    assert folded(machine)["nvlink-inactive"] == "nvlink-fabric-manager"
