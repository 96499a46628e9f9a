"""container-toolkit-too-old: a toolkit from before cgroup v2, on a system that has nothing else."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding
from tests.machines.parts import containers


def host(version: str, cgroups: str) -> containers.Machine:
    return containers.gpu_host(
        engines=Known((containers.docker(cgroup_version=Known(cgroups, containers.INFO)),), "PATH"),
        toolkit=Known(containers.toolkit(version=Known(version, "/var/lib/dpkg/status")), "/usr/bin"),
    )


def test_toolkit_1_5_on_cgroup_v2() -> None:
    machine = host("1.5.1-1", "2")
    assert causes(machine) == {"container-toolkit-too-old"}
    found = finding(machine, "container-toolkit-too-old")
    assert "1.5.1" in found.title and found.fix is not None and "restart docker" in found.fix.commands[-1]


def test_the_same_toolkit_on_cgroup_v1_and_the_first_that_knows_v2() -> None:
    assert causes(host("1.5.1-1", "1")) == set()
    assert causes(host("1.8.0-1", "2")) == set()


def test_without_the_cgroups_version_nothing_is_said() -> None:
    machine = containers.gpu_host(
        engines=Known((containers.docker(cgroup_version=Unknown("no answer")),), "PATH"),
        toolkit=Known(containers.toolkit(version=Known("1.5.1", "dpkg")), "/usr/bin"),
    )
    assert "container-toolkit-too-old" not in causes(machine)
