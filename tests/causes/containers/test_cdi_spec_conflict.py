"""cdi-spec-conflict: a backup beside the specification."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import containers


def test_a_copy_in_the_same_folder_makes_both_void() -> None:
    machine = containers.with_specs(containers.spec(), containers.spec("/etc/cdi/nvidia-backup.yaml"))
    assert causes(machine) == {"cdi-spec-conflict"}
    assert "nvidia.com/gpu=all" in finding(machine, "cdi-spec-conflict").title


def test_other_devices_in_the_same_folder_are_no_conflict() -> None:
    other = containers.spec("/etc/cdi/mig.yaml", devices=("nvidia.com/mig=0",))
    assert causes(containers.with_specs(containers.spec(), other)) == set()


def test_another_folder_is_no_conflict() -> None:
    machine = containers.with_specs(containers.spec(), containers.spec("/var/run/cdi/nvidia.yaml"))
    assert "cdi-spec-conflict" not in causes(machine)
