"""Running containers will lose the GPU at the next reload of systemd

What it is: systemd manages the cgroups of this machine's containers, and finds devices through the links in /dev/char.
NVIDIA's driver makes no such links. When systemd reloads, it writes every container's device rules anew, and can't write
those for NVIDIA's devices.

Why it hurts: Everything works, until a package update or `systemctl daemon-reload`; then every running GPU container says
"Failed to initialize NVML: Unknown Error" and its jobs die. Nothing on the host looks wrong.

How to tell: Docker's cgroup driver is systemd, /dev/char has no 195:* links, and devices are not given through CDI.

How to fix: Create the links and a udev rule that creates them at every start, or use CDI, or Docker's cgroupfs driver
("exec-opts": ["native.cgroupdriver=cgroupfs"]).

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/48
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html
https://github.com/NVIDIA/nvidia-container-toolkit/issues/1227
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Engine
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import (
    daemon,
    names_nvidia,
    not_this_users,
    on_the_host,
    the_toolkit,
    toolkit_usable,
)
from gpudoctor.rules.judging import need, need_or

RULE = (
    'ACTION=="add", DEVPATH=="/bus/pci/drivers/nvidia", '
    'RUN+="/usr/bin/nvidia-ctk system create-dev-char-symlinks --create-all"'
)


def check(driver: Driver, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    on_the_host(containers)
    engines = [e for e in need(containers.engines, "container engine") if _uses_the_hook(e)]
    toolkit = the_toolkit(containers)
    if not engines or not toolkit_usable(containers):
        raise DoesNotApply("no engine that gives out GPUs through the toolkit")
    need(driver.module, "NVIDIA kernel module in memory")
    if value_of(toolkit.mode, "") == "cdi":
        raise DoesNotApply("devices are given through CDI")
    if need_or(containers.dev_char_links, "links in /dev/char", False):
        return
    for engine in engines:
        if isinstance(engine.cgroup_driver, Unknown):
            yield CouldNotTell(
                f"{engine.name}'s cgroup driver: {engine.cgroup_driver.reason}",
                engine.cgroup_driver.would_help,
                daemon(engine),
                not_this_users(engine),
            )
        elif value_of(engine.cgroup_driver, "") == "systemd":
            yield _problem(engine, containers)


def _uses_the_hook(engine: Engine) -> bool:
    if engine.name == "docker":
        return engine.flavour == "rootful" and (names_nvidia(engine) or isinstance(engine.hook, Known))
    return engine.name == "containerd" and names_nvidia(engine)


def _problem(engine: Engine, containers: Containers) -> Problem:
    return Problem(
        f"{engine.name}'s GPU containers will lose their GPU when systemd reloads",
        daemon(engine),
        "warning",
        (
            seen("cgroup driver", engine.cgroup_driver),
            seen("cgroup version", engine.cgroup_version),
            Evidence("/dev/char/195:*", "not there", getattr(containers.dev_char_links, "via", "/dev/char")),
        ),
        fix=Fix(
            "Create the links now, and at every start",
            (
                "sudo nvidia-ctk system create-dev-char-symlinks --create-all",
                f"echo '{RULE}' | sudo tee /etc/udev/rules.d/71-nvidia-dev-char.rules",
            ),
            "unsafe",
        ),
    )
