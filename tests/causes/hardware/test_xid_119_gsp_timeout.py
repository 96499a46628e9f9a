"""xid-119-gsp-timeout: the fix depends on the module and the driver."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import driver, gpu, ill

TIMEOUT = "pid=1567, name=nvidia-smi, Timeout after 6s of waiting for RPC response from GPU0 GSP!"


def timed_out(machine: Machine) -> Machine:
    """The line's words: NVIDIA/open-gpu-kernel-modules issue 446."""
    return ill.with_log(machine, ill.xid(119, TIMEOUT), ill.xid(119, TIMEOUT))


def test_a_time_out_on_the_proprietary_module_can_be_worked_around() -> None:
    machine = timed_out(healthy.h100_node())
    assert causes(machine) == {"xid-119-gsp-timeout"}
    found = finding(machine, "xid-119-gsp-timeout")
    assert found.severity == "failure"
    assert found.fix is not None and any("NVreg_EnableGpuFirmware=0" in c for c in found.fix.commands)


def test_blackwell_cannot_do_without_the_gsp() -> None:
    fix = finding(timed_out(healthy.rtx5090_desktop()), "xid-119-gsp-timeout").fix
    assert fix is not None and not any("EnableGpuFirmware" in c for c in fix.commands)


def test_the_open_module_cannot_either() -> None:
    node = healthy.h100_node().replace(driver=driver.installed("550.163.01", "open", gpus=8))
    fix = finding(timed_out(node), "xid-119-gsp-timeout").fix
    assert fix is not None and not any("EnableGpuFirmware" in c for c in fix.commands)


def test_the_bad_525_is_to_be_updated() -> None:
    node = healthy.h100_node().replace(
        driver=driver.installed("525.85.12", gpus=8), gpu=gpu.h100(8, "525.85.12", "12.0")
    )
    fix = finding(timed_out(node), "xid-119-gsp-timeout").fix
    assert fix is not None and "525.105.17" in fix.summary


def test_after_the_gpu_fell_off_the_bus_it_is_a_consequence() -> None:
    machine = timed_out(healthy.h100_node())
    lines = (ill.xid(79, "GPU has fallen off the bus."), *machine.host.kernel_log.value)
    assert folded(ill.with_log(machine, *lines)) == {"xid-119-gsp-timeout": "gpu-fell-off-bus"}


def test_a_closed_log_is_not_passed() -> None:
    node = healthy.h100_node()
    closed = node.replace(host=node.host.replace(kernel_log=Unknown("permission denied", "root")))
    result = judgement(closed)
    assert "xid-119-gsp-timeout" not in result.passed
    assert any(s.id == "xid-119-gsp-timeout" and s.would_help == "root" for s in result.skipped)


def test_a_context_switch_time_out_is_another_matter() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(109, "errorString CTX SWITCH TIMEOUT, Info 0x58005"))
    assert "xid-119-gsp-timeout" not in causes(machine)
