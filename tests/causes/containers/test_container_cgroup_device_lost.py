"""container-cgroup-device-lost: device rules that a reload of systemd took away."""

from __future__ import annotations

from gpudoctor.facts.gpu import CudaDriver, Nvml
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines.parts import containers, driver


def after_a_reload(error: str = "EPERM") -> Machine:
    """Composed after the trace in nvidia-container-toolkit issue 251: rules "c 195:* m", NVML 999."""
    machine = containers.gpu_container(
        cgroup_devices=Known(("c 136:* rwm", "c 195:* m"), "/sys/fs/cgroup/devices/devices.list")
    )
    nodes = (driver.node("/dev/nvidiactl", 255, error=error), driver.node("/dev/nvidia0", 0, error=error))
    gpu = machine.gpu.replace(
        nvml=Known(Nvml("failed", 999, "Unknown Error"), "nvml"),
        cuda=Known(CudaDriver("failed", 100, "no CUDA-capable device is detected"), "libcuda"),
    )
    return machine.replace(driver=machine.driver.replace(nodes=Known(nodes, "/dev")), gpu=gpu)


def test_eperm_on_a_node_that_is_there_is_a_lost_rule() -> None:
    machine = after_a_reload()
    assert causes(machine) == {"container-cgroup-device-lost"}, folded(machine)
    found = finding(machine, "container-cgroup-device-lost")
    assert "c 195:* m" in [e.value for e in found.evidence]
    assert found.fix is not None and "restart" in found.fix.commands[0]


def test_eacces_is_the_files_mode_and_another_cause() -> None:
    assert "container-cgroup-device-lost" not in causes(after_a_reload("EACCES"))


def test_on_the_host_itself_there_are_no_rules_to_lose() -> None:
    machine = after_a_reload()
    host = machine.replace(containers=machine.containers.replace(inside=Absent("/proc/1")))
    assert "container-cgroup-device-lost" not in causes(host)


def test_a_container_whose_nodes_open_is_well() -> None:
    assert causes(containers.gpu_container()) == set()
