"""mig-visible-devices: lists that MIG does not grant."""

from __future__ import annotations

from gpudoctor.facts.gpu import MigInstance
from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import gpu, ill

A = "MIG-11111111-0000-4000-8000-000000000000"
B = "MIG-22222222-0000-4000-8000-000000000000"


def divided(value: str, shown: int = 1) -> Machine:
    """One H100 in two instances. CUDA shows one device at most (MIG user guide, CUDA device enumeration)."""
    machine = healthy.h100_node().replace(gpu=gpu.h100(1))
    machine = ill.with_device(
        machine, 0, mig_enabled=True, mig_instances=(MigInstance(A, "3g.40gb"), MigInstance(B, "3g.40gb"))
    )
    return ill.with_variable(ill.with_cuda(machine, shown, 1), "CUDA_VISIBLE_DEVICES", value)


def test_two_instances_for_one_process() -> None:
    machine = divided(f"{A},{B}")
    assert causes(machine) == {"mig-visible-devices"}
    found = finding(machine, "mig-visible-devices")
    fix = found.fix
    assert found.severity == "failure"
    assert fix is not None and fix.commands[0] == f"export CUDA_VISIBLE_DEVICES={A}"


def test_an_instance_that_was_made_anew_has_another_name() -> None:
    machine = divided("MIG-99999999-0000-4000-8000-000000000000")
    machine = ill.with_cuda(machine, 0, 1, code=100)
    assert causes(machine) == {"mig-visible-devices"}


def test_more_indices_than_cuda_shows() -> None:
    assert causes(divided("0,1")) == {"mig-visible-devices"}


def test_one_instance_by_its_uuid_is_right() -> None:
    assert causes(divided(B)) == set()


def test_without_mig_a_wrong_entry_is_only_that() -> None:
    machine = ill.with_variable(healthy.h100_node(), "CUDA_VISIBLE_DEVICES", "0,1,9")
    assert "mig-visible-devices" not in causes(machine)


def test_one_right_instance_that_cuda_does_not_show_is_another_cause() -> None:
    assert "mig-visible-devices" not in causes(divided(B, shown=0))
