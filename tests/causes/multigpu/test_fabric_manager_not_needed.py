"""fabric-manager-not-needed: no switch, no work."""

from __future__ import annotations

from gpudoctor.facts.driver import Service
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def installed(running: bool = False) -> Machine:
    node = healthy.h100_node()
    service = Known(
        Service("nvidia-fabricmanager", Known("550.163.01", "x"), Known(running, "/proc")), "/proc"
    )
    return node.replace(driver=node.driver.replace(fabric_manager=service))


def test_a_failed_service_without_switches_is_a_note() -> None:
    assert causes(installed()) == {"fabric-manager-not-needed"}
    assert finding(installed(), "fabric-manager-not-needed").severity == "note"


def test_gpus_that_report_a_fabric_have_switches_elsewhere() -> None:
    machine = ill.with_device(installed(), 0, fabric="completed")
    assert "fabric-manager-not-needed" not in causes(machine)
