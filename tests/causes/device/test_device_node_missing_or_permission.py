"""device-node-missing-or-permission (openSUSE/nvidia-driver-G06#52: mode 0660, group video)."""

from __future__ import annotations

from gpudoctor.facts.gpu import Nvml
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver

VIDEO = 44


def with_nodes(*nodes: object, helper: bool = True) -> Machine:
    laptop = healthy.rtx3050_laptop()
    return laptop.replace(
        host=laptop.host.replace(groups=Known((1000,), "/proc/self/status")),
        driver=laptop.driver.replace(
            nodes=Known(nodes, "/dev"), modprobe_helper=Known(helper, "/usr/bin/nvidia-modprobe")
        ),
        gpu=laptop.gpu.replace(nvml=Known(Nvml("failed", 4, "Insufficient Permissions"), "nvml")),
    )


def test_a_user_outside_the_nodes_group_is_sent_there() -> None:
    nodes = [
        driver.node(f"/dev/nvidia{n}", m, 195, 0o660, VIDEO, "EACCES") for n, m in (("ctl", 255), ("0", 0))
    ]
    machine = with_nodes(*nodes)
    assert causes(machine) == {"device-node-missing-or-permission"}
    found = finding(machine, "device-node-missing-or-permission")
    assert "0660" in found.title
    assert found.fix is not None and "usermod -aG" in found.fix.commands[0]


def test_missing_nodes_are_to_be_made() -> None:
    machine = with_nodes(driver.node("/dev/nvidiactl", 255), helper=False)
    assert causes(machine) == {"device-node-missing-or-permission"}
    assert "/dev/nvidia0" in finding(machine, "device-node-missing-or-permission").title


def test_nodes_that_nvidia_modprobe_will_make_are_not_missed() -> None:
    assert "device-node-missing-or-permission" not in causes(with_nodes(driver.node("/dev/nvidiactl", 255)))


def test_the_same_nodes_in_the_hands_of_a_member_are_well() -> None:
    laptop = healthy.rtx3050_laptop()
    nodes = tuple(n.replace(mode=0o660, gid=VIDEO) for n in driver.nodes())
    assert causes(laptop.replace(driver=laptop.driver.replace(nodes=Known(nodes, "/dev")))) == set()
