"""nccl-shared-memory: 64 MiB in a container, or a full /dev/shm."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.host import Filesystem
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy

MIB = 1 << 20


def with_shm(size: int, free: int, kind: str = "docker") -> Machine:
    node = healthy.h100_node()
    shm = Known(Filesystem("/dev/shm", size, free), "/dev/shm")
    machine = node.replace(host=node.host.replace(shm=shm))
    if not kind:
        return machine
    inside = Known(Inside(kind, "evidence"), "evidence")
    return machine.replace(containers=machine.containers.replace(inside=inside))


def test_dockers_default_is_too_small() -> None:
    machine = with_shm(64 * MIB, 64 * MIB)
    assert "nccl-shared-memory" in causes(machine)
    found = finding(machine, "nccl-shared-memory")
    assert found.severity == "warning" and "64 MiB" in found.title
    assert found.fix is not None and found.fix.commands == ("docker run --shm-size=1g ...",)


def test_a_pod_mounts_memory() -> None:
    fix = finding(with_shm(64 * MIB, 64 * MIB, "kubernetes"), "nccl-shared-memory").fix
    assert fix is not None and "emptyDir" in fix.summary


def test_a_full_one_is_told_apart() -> None:
    machine = with_shm(32 << 30, 3 * MIB, "")
    assert causes(machine) == {"nccl-shared-memory"}
    found = finding(machine, "nccl-shared-memory")
    assert found.severity == "warning" and "full" in found.title


def test_a_container_with_enough_is_well() -> None:
    assert "nccl-shared-memory" not in causes(with_shm(1 << 30, 1 << 30))


def test_a_host_with_little_memory_is_no_container() -> None:
    assert causes(with_shm(512 * MIB, 512 * MIB, "")) == set()


def test_whether_it_is_a_container_must_be_known() -> None:
    machine = with_shm(512 * MIB, 512 * MIB, "")
    machine = machine.replace(containers=machine.containers.replace(inside=Unknown("no /proc")))
    assert any(s.id == "nccl-shared-memory" for s in judgement(machine).skipped)


def test_a_host_whose_shm_was_made_as_small_as_a_containers() -> None:
    machine = with_shm(64 * MIB, 64 * MIB, "")
    fix = finding(machine, "nccl-shared-memory").fix
    assert fix is not None and "remount" in fix.commands[0]
