"""sxid-nvswitch-error: fatal and non-fatal ones."""

from __future__ import annotations

from gpudoctor.facts.host import KernelEvent
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def sxid(code: int, text: str) -> KernelEvent:
    """A line as the Fabric Manager's guide shows it."""
    line = f"nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): {code}, {text}"
    return KernelEvent("sxid", line, code, "0000:c1:00", 5.0)


def test_a_fatal_one_is_a_failure_of_the_switch() -> None:
    machine = ill.with_log(healthy.h100_node(), sxid(20034, "Fatal, Link 27 LTSSM Fault Up"))
    assert causes(machine) == {"sxid-nvswitch-error"}
    found = finding(machine, "sxid-nvswitch-error")
    assert found.severity == "failure" and "SXid 20034" in found.title and "0000:c1:00.0" in found.title


def test_a_non_fatal_one_is_a_warning() -> None:
    machine = ill.with_log(
        healthy.h100_node(), sxid(12028, "Non-fatal, Link 32 egress non-posted PRIV error")
    )
    assert finding(machine, "sxid-nvswitch-error").severity == "warning"


def test_a_gpus_xid_is_no_sxid() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(74, "NVLink: fatal error detected on link 6"))
    assert "sxid-nvswitch-error" not in causes(machine)
