"""container-cgroup-loss-predicted: the loss of device rules, before it happens."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers

NO_LINKS = {"dev_char_links": Known(False, "/dev/char")}


def test_systemds_cgroups_without_links_will_lose_the_gpu() -> None:
    machine = containers.gpu_host(**NO_LINKS)
    assert causes(machine) == {"container-cgroup-loss-predicted"}
    found = finding(machine, "container-cgroup-loss-predicted")
    assert found.severity == "warning"
    assert found.fix is not None and "create-dev-char-symlinks" in found.fix.commands[0]


def test_a_folder_that_is_not_there_has_no_links_either() -> None:
    assert "container-cgroup-loss-predicted" in causes(
        containers.gpu_host(dev_char_links=Absent("/dev/char"))
    )


def test_cgroupfs_loses_nothing() -> None:
    engine = containers.docker(cgroup_driver=Known("cgroupfs", containers.INFO))
    assert causes(containers.gpu_host(engines=Known((engine,), "PATH"), **NO_LINKS)) == set()


def test_devices_given_by_cdi_stay() -> None:
    toolkit = Known(containers.toolkit(mode=Known("cdi", containers.CONFIG)), "/usr/bin")
    specs = Known((containers.spec(),), "/etc/cdi")
    assert causes(containers.gpu_host(toolkit=toolkit, cdi=specs, **NO_LINKS)) == set()


def test_links_keep_it_well() -> None:
    assert causes(containers.gpu_host()) == set()


def test_an_unknown_cgroup_driver_is_no_verdict() -> None:
    engine = containers.docker(cgroup_driver=Unknown("permission denied", "root"))
    result = judgement(containers.gpu_host(engines=Known((engine,), "PATH"), **NO_LINKS))
    assert "container-cgroup-loss-predicted" in {s.id for s in result.skipped}
