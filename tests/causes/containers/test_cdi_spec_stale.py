"""cdi-spec-stale: a specification from before the driver's update."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import containers

OLD = "550.54.14"
GONE = (f"/usr/lib/x86_64-linux-gnu/libcuda.so.{OLD}",)


def test_a_specification_of_the_driver_before() -> None:
    machine = containers.with_specs(containers.spec(version=OLD, missing=GONE))
    assert causes(machine) == {"cdi-spec-stale"}
    found = finding(machine, "cdi-spec-stale")
    assert OLD in found.title and "550.163.01" in found.title
    assert found.fix is not None and "--output=/etc/cdi/nvidia.yaml" in found.fix.commands[0]


def test_a_node_of_a_gpu_that_was_taken_out() -> None:
    machine = containers.with_specs(containers.spec(missing=("/dev/dri/renderD129",)))
    assert "renderD129" in finding(machine, "cdi-spec-stale").title


def test_one_that_is_overridden_hurts_nobody() -> None:
    machine = containers.with_specs(
        containers.spec(version=OLD, missing=GONE), containers.spec("/var/run/cdi/nvidia.yaml")
    )
    assert causes(machine) == {"cdi-spec-shadowed"}


def test_a_stale_one_that_overrides_a_good_one_is_the_cause() -> None:
    machine = containers.with_specs(
        containers.spec(), containers.spec("/var/run/cdi/nvidia.yaml", OLD, missing=GONE)
    )
    assert "cdi-spec-stale" in causes(machine)
    assert finding(machine, "cdi-spec-stale").subject.name == "/var/run/cdi/nvidia.yaml"


def test_the_one_of_this_driver_is_well() -> None:
    assert causes(containers.with_specs(containers.spec())) == set()
