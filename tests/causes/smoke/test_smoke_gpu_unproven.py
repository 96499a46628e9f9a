"""smoke-gpu-unproven: nothing failed, and nothing is proved."""

from __future__ import annotations

from tests.judged import causes, finding, judgement
from tests.machines.parts import smoke


def unproven() -> smoke.Trial:
    channels = smoke.witnesses(memory="unavailable", energy="silent", utilisation="silent")
    return smoke.passed().replace(
        verdict="unconfirmed", why="no proof from outside", gpu_proven=False, channels=channels
    )


def test_it_is_a_warning_that_lists_every_witness() -> None:
    machine = smoke.machine(unproven())
    assert causes(machine) == {"smoke-gpu-unproven"}
    found = finding(machine, "smoke-gpu-unproven")
    assert found.severity == "warning"
    assert {e.what: e.value.partition(":")[0] for e in found.evidence}["memory"] == "unavailable"


def test_a_skipped_gpu_is_not_judged_and_not_passed() -> None:
    machine = smoke.machine(smoke.passed().replace(verdict="skipped", why="300 MiB are free", phases=()))
    said = judgement(machine)
    assert causes(machine) == set()
    assert [s.reason for s in said.skipped if s.id == "smoke-gpu-unproven"] != []
    assert "smoke-gpu-unproven" not in said.passed


def test_a_proved_run_is_well() -> None:
    assert causes(smoke.machine(smoke.passed())) == set()
