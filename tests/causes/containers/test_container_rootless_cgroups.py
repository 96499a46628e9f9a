"""container-rootless-cgroups: rootless Docker with the toolkit's default configuration."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers


def rootless(*others: object, **changes: object) -> Machine:
    engines = Known((containers.rootless_docker(), *others), "PATH")
    return containers.gpu_host(engines=engines, **changes)


def test_device_rules_that_a_rootless_daemon_may_not_set() -> None:
    machine = rootless()
    assert causes(machine) == {"container-rootless-cgroups"}
    fix = finding(machine, "container-rootless-cgroups").fix
    assert fix is not None and "no-cgroups=true" in fix.commands[0]


def test_beside_a_rootful_daemon_the_way_out_is_cdi() -> None:
    fix = finding(rootless(containers.docker(selected_by="")), "container-rootless-cgroups").fix
    assert fix is not None and "cdi generate" in fix.commands[0]


def test_with_no_cgroups_it_is_well() -> None:
    toolkit = Known(containers.toolkit(no_cgroups=Known(True, containers.CONFIG)), "/usr/bin")
    assert causes(rootless(toolkit=toolkit)) == set()


def test_with_cdi_it_is_well() -> None:
    assert causes(rootless(cdi=Known((containers.spec(),), "/etc/cdi"))) == set()


def test_a_rootful_daemon_may_set_them() -> None:
    assert causes(containers.gpu_host()) == set()
