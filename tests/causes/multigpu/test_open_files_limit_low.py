"""open-files-limit-low: ulimit -n below what every distribution gives."""

from __future__ import annotations

from gpudoctor.facts.host import Limits
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import containers

ID = "open-files-limit-low"


def limited(machine: Machine, nofile: int) -> Machine:
    limits = Known(Limits(memlock=-1, nofile=nofile), "/proc/self/limits")
    return machine.replace(host=machine.host.replace(limits=limits))


def test_a_service_that_may_open_256_files() -> None:
    machine = limited(healthy.h100_node(), 256)
    assert causes(machine) == {ID}
    found = finding(machine, ID)
    assert (
        found.severity == "warning" and found.fix is not None and found.fix.commands == ("ulimit -n 65536",)
    )


def test_in_a_container_the_engine_sets_it() -> None:
    fix = finding(limited(containers.gpu_container(), 256), ID).fix
    assert fix is not None and "--ulimit nofile" in fix.summary


def test_what_distributions_give_is_well_and_so_is_no_limit() -> None:
    assert causes(limited(healthy.h100_node(), 1024)) == set()
    assert causes(limited(healthy.h100_node(), -1)) == set()


def test_without_a_gpu_it_is_nobodys_matter() -> None:
    assert causes(limited(healthy.no_gpu_server(), 256)) == set()
