"""smoke-ran-on-cpu: the CPU did it, whatever the framework says."""

from __future__ import annotations

from tests.judged import causes, finding, folded, judgement
from tests.machines.parts import smoke


def test_a_framework_that_sees_no_gpu() -> None:
    machine = smoke.machine(smoke.failing("context", "placement", "torch.cuda.is_available() is False"))
    assert causes(machine) == {"smoke-ran-on-cpu"}
    assert "is_available() is False" in finding(machine, "smoke-ran-on-cpu").title


def test_a_claim_that_a_witness_contradicts() -> None:
    """A torch that says cuda:0, while no memory of the GPU was taken and no device file was open."""
    channels = smoke.witnesses(memory="contradicts", device_files="contradicts", energy="silent")
    claim = smoke.passed().replace(verdict="fail", why="but memory", gpu_proven=False, channels=channels)
    machine = smoke.machine(claim)
    assert causes(machine) == {"smoke-ran-on-cpu"}
    assert {e.what for e in finding(machine, "smoke-ran-on-cpu").evidence} >= {"memory", "device-files"}


def test_a_silent_fall_back() -> None:
    fallen = smoke.on_the_cpu().replace(verdict="fail", why="ran on the CPU", label="GPU 0")
    assert causes(smoke.machine(fallen)) == {"smoke-ran-on-cpu"}


def test_permitted_work_on_the_cpu_is_no_illness_and_no_pass() -> None:
    machine = smoke.machine(smoke.on_the_cpu(), allow_cpu=True)
    assert causes(machine) == set()
    assert "smoke-ran-on-cpu" not in judgement(machine).passed


def test_a_proved_run_is_well() -> None:
    machine = smoke.machine(smoke.passed())
    assert causes(machine) == set() and "smoke-ran-on-cpu" in judgement(machine).passed


def test_what_makes_the_framework_blind_is_named_above_it() -> None:
    """An upgrade under a running module: torch sees no GPU, and that is only its consequence."""
    from tests.causes.driver.test_driver_library_mismatch import upgraded_under_a_running_module

    blind = smoke.machine(smoke.failing("context", "placement", "torch.cuda.is_available() is False"))
    machine = upgraded_under_a_running_module().replace(smoke=blind.smoke)
    assert causes(machine) == {"driver-library-mismatch"}
    assert folded(machine)["smoke-ran-on-cpu"] == "driver-library-mismatch"
