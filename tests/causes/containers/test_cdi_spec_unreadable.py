"""cdi-spec-unreadable: a specification that engines leave out without a word."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines.parts import containers

BROKEN = {"error": Known("line 7, column 3: mapping values are not allowed here", "spec")}


def test_a_file_that_is_no_yaml() -> None:
    machine = containers.with_specs(containers.spec(devices=(), **BROKEN))
    assert causes(machine) == {"cdi-spec-unreadable"}
    found = finding(machine, "cdi-spec-unreadable")
    assert found.severity == "failure" and "line 7" in found.title


def test_beside_a_good_one_it_is_a_warning() -> None:
    machine = containers.with_specs(
        containers.spec(), containers.spec("/etc/cdi/x.yaml", devices=(), **BROKEN)
    )
    assert finding(machine, "cdi-spec-unreadable").severity == "warning"


def test_roots_own_file_is_closed_to_a_rootless_engine() -> None:
    closed = containers.spec(readable_by_all=Known(False, "stat"))
    machine = containers.with_specs(closed, engines=Known((containers.rootless_docker(),), "PATH"))
    assert causes(machine) == {"cdi-spec-unreadable"}
    fix = finding(machine, "cdi-spec-unreadable").fix
    assert fix is not None and fix.commands == ("sudo chmod 644 /etc/cdi/nvidia.yaml",)


def test_a_rootful_engine_reads_it_all_the_same() -> None:
    closed = containers.spec(readable_by_all=Known(False, "stat"), error=Absent("spec"))
    assert causes(containers.with_specs(closed)) == set()
