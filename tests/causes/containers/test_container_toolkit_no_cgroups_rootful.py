"""container-toolkit-no-cgroups-rootful: no-cgroups, set for a rootless daemon, hits the rootful one."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers

OFF = {"no_cgroups": Known(True, containers.CONFIG)}


def test_rules_that_are_off_for_a_rootful_daemon() -> None:
    machine = containers.with_toolkit(**OFF)
    assert causes(machine) == {"container-toolkit-no-cgroups-rootful"}
    fix = finding(machine, "container-toolkit-no-cgroups-rootful").fix
    assert fix is not None and "no-cgroups=false" in fix.commands[0]


def test_for_a_rootless_daemon_alone_it_is_right() -> None:
    machine = containers.gpu_host(
        engines=Known((containers.rootless_docker(),), "PATH"),
        toolkit=Known(containers.toolkit(**OFF), "/usr/bin"),
    )
    assert causes(machine) == set()


def test_in_cdi_mode_the_engine_sets_the_rules() -> None:
    machine = containers.gpu_host(
        toolkit=Known(containers.toolkit(**OFF, mode=Known("cdi", containers.CONFIG)), "/usr/bin"),
        cdi=Known((containers.spec(),), "/etc/cdi"),
    )
    assert causes(machine) == set()
