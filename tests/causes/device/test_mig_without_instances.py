"""mig-without-instances: the mode survives a reboot, the instances do not."""

from __future__ import annotations

from gpudoctor.facts.gpu import MigInstance
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_mig_without_an_instance_is_of_no_use() -> None:
    machine = ill.with_device(healthy.h100_node(), 1, mig_enabled=True, mig_instances=())
    assert causes(machine) == {"mig-without-instances"}
    assert "GPU 1" in finding(machine, "mig-without-instances").title


def test_a_divided_gpu_is_well() -> None:
    instances = (MigInstance("MIG-11111111-0000-4000-8000-000000000000", "1g.10gb"),)
    assert causes(ill.with_device(healthy.h100_node(), 1, mig_enabled=True, mig_instances=instances)) == set()
