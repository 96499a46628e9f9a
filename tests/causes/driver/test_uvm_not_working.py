"""uvm-not-working: nvidia-smi works, CUDA says 999 (pytorch/pytorch#49081)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import driver, host

WAKE = host.event("resume", "PM: suspend exit")


def unknown_error(**changes: object) -> Machine:
    laptop = healthy.rtx3050_laptop()
    cuda = Known(
        laptop.gpu.cuda.value.replace(state="failed", code=999, name="CUDA_ERROR_UNKNOWN", devices=()),
        "libcuda",
    )
    machine = laptop.replace(gpu=laptop.gpu.replace(cuda=cuda))
    return machine.replace(driver=machine.driver.replace(**changes))


def test_after_a_suspend_the_module_is_to_be_loaded_anew() -> None:
    machine = unknown_error().replace(host=host.ubuntu(kernel_log=host.log(WAKE)))
    assert "uvm-not-working" in causes(machine)
    found = finding(machine, "uvm-not-working")
    assert "slept" in found.title
    assert found.fix is not None and "modprobe -r nvidia_uvm" in found.fix.commands[0]


def test_a_missing_node_is_to_be_made() -> None:
    nodes = Known(tuple(n for n in driver.nodes() if "uvm" not in n.path), "/dev")
    machine = unknown_error(nodes=nodes, modprobe_helper=Known(False, "/usr/bin/nvidia-modprobe"))
    assert "uvm-not-working" in causes(machine)
    fix = finding(machine, "uvm-not-working").fix
    assert fix is not None and fix.commands == ("sudo nvidia-modprobe -c 0 -u",)


def test_a_fresh_boot_is_no_illness_where_nvidia_modprobe_will_load_it() -> None:
    nodes = Known(tuple(n for n in driver.nodes() if "uvm" not in n.path), "/dev")
    machine = unknown_error(nodes=nodes, loaded_modules=Known(("nvidia",), "/proc/modules"))
    assert "uvm-not-working" not in causes(machine)
    assert "uvm-not-working" in {s.id for s in judgement(machine).skipped}


def test_a_wake_up_that_did_no_harm_is_well() -> None:
    laptop = healthy.rtx3050_laptop()
    assert causes(laptop.replace(host=host.ubuntu(kernel_log=host.log(WAKE)))) == set()
