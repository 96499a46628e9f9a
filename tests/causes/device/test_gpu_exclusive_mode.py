"""gpu-exclusive-mode: taken, free, closed, and right with MPS."""

from __future__ import annotations

from gpudoctor.facts.gpu import Process
from gpudoctor.facts.observed import Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def test_a_taken_gpu_in_exclusive_mode_fails_the_next_program() -> None:
    machine = ill.with_device(
        healthy.h100_node(), 0, compute_mode="exclusive-process", processes=(Process(4321, "python"),)
    )
    assert causes(machine) == {"gpu-exclusive-mode"}
    found = finding(machine, "gpu-exclusive-mode")
    assert found.severity == "failure" and "python (pid 4321)" in found.title
    assert found.fix is not None and found.fix.commands == (
        f"sudo nvidia-smi -i {found.subject.name} -c DEFAULT",
    )


def test_a_free_one_is_worth_knowing() -> None:
    machine = ill.with_device(healthy.h100_node(), 0, compute_mode="exclusive-process")
    assert finding(machine, "gpu-exclusive-mode").severity == "note"


def test_a_closed_one_fails_everybody() -> None:
    machine = ill.with_device(healthy.h100_node(), 0, compute_mode="prohibited")
    assert finding(machine, "gpu-exclusive-mode").severity == "failure"


def test_a_shared_gpu_with_a_program_on_it_is_well() -> None:
    assert causes(ill.with_device(healthy.h100_node(), 0, processes=(Process(4321, "python"),))) == set()


def test_with_mps_the_mode_is_right() -> None:
    server = Process(900, "nvidia-cuda-mps-server")
    machine = ill.with_device(healthy.h100_node(), 0, compute_mode="exclusive-process", processes=(server,))
    assert causes(machine) == set()


def test_who_holds_it_may_not_be_known() -> None:
    machine = ill.with_device(
        healthy.h100_node(), 0, compute_mode="exclusive-process", processes=Unknown("No Permission", "root")
    )
    result = judgement(machine)
    assert any(s.id == "gpu-exclusive-mode" and s.would_help == "root" for s in result.skipped)
