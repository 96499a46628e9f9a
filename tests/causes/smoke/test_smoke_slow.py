"""smoke-slow: rates far below the device's peak or its siblings'."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_a_third_of_the_peak_is_a_failure_and_says_of_which() -> None:
    machine = smoke.machine(smoke.measured(bf16_tflops=300.0))
    assert causes(machine) == {"smoke-slow"}
    found = finding(machine, "smoke-slow")
    assert found.severity == "failure"
    assert any(e.what == "bf16_tflops" and "(derived)" in e.value for e in found.evidence)


def test_half_of_the_peak_is_a_warning() -> None:
    assert finding(smoke.machine(smoke.measured(copy_gbs=1600.0)), "smoke-slow").severity == "warning"


def test_throttling_is_named_before_it_is_called_slow() -> None:
    trial = smoke.measured(bf16_tflops=300.0, reasons=("throttled: hw-thermal-slowdown",))
    found = finding(smoke.machine(trial), "smoke-slow")
    assert "hw-thermal-slowdown" in found.title and found.severity == "warning"


def test_a_gpu_slower_than_its_siblings() -> None:
    """800 GB/s less than its seven neighbours, and still far above the floor of its kind."""
    trials = [smoke.measured(n) for n in range(7)] + [smoke.measured(7, copy_gbs=2100.0, h2d_gbs=20.0)]
    machine = smoke.machine(*trials)
    found = finding(machine, "smoke-slow")
    assert "GPU 7" in found.title and {e.what for e in found.evidence} == {"copy_gbs", "h2d_gbs"}


def test_copies_from_the_host_are_held_against_the_pcie_link() -> None:
    """30 GB/s over 16 lanes of PCIe 5 is what PCIe 4 does; over eight lanes it would be well."""
    slow = smoke.measured(h2d_gbs=30.0)
    found = finding(smoke.machine(slow), "smoke-slow")
    assert found.severity == "warning" and "48% of 63" in found.evidence[0].value
    assert causes(smoke.machine(slow.replace(device=smoke.H100.replace(link_width_max=8)))) == set()
    assert causes(smoke.machine(slow.replace(platform=("wsl2",)))) == set()


def test_no_verdict_under_mig_nor_on_a_shared_gpu() -> None:
    slow = smoke.measured(bf16_tflops=10.0)
    assert causes(smoke.machine(slow.replace(platform=("linux", "mig")))) == set()
    assert causes(smoke.machine(slow.replace(reasons=("other processes on the GPU: 7",)))) == set()


def test_usual_rates_are_well() -> None:
    assert causes(smoke.machine(smoke.measured())) == set()
