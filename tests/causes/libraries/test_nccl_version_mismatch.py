"""nccl-version-mismatch: torch pins one NCCL, another would be loaded."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts


def with_nccl(version: str, via: str = "RPATH") -> Machine:
    machine = parts.with_framework(healthy.h100_node())
    return parts.changed(machine, parts.load("libnccl.so.2", version=Known(version, parts.SITE), via=via))


def test_an_older_nccl_than_torch_pins() -> None:
    """undefined symbol: ncclCommRegister: https://github.com/pytorch/pytorch/issues/119932"""
    machine = with_nccl("2.18.1")
    assert causes(machine) == {"nccl-version-mismatch"}
    found = finding(machine, "nccl-version-mismatch")
    assert found.severity == "failure" and "2.21.5" in found.title and "2.18.1" in found.title
    assert found.fix is not None and "nvidia-nccl-cu12==2.21.5" in found.fix.commands[0]


def test_a_newer_one_is_a_warning() -> None:
    assert finding(with_nccl("2.27.3"), "nccl-version-mismatch").severity == "warning"


def test_the_pinned_one_is_well() -> None:
    assert causes(with_nccl("2.21.5")) == set() and folded(with_nccl("2.21.5")) == {}
