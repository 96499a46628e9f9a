"""The NVIDIA Container Toolkit is older than this system's cgroups

What it is: The kernel runs with the unified cgroup hierarchy (cgroup v2), and the installed libnvidia-container, before
1.8.0, knows the older one only. It cannot allow the GPU's device nodes in the container.

Why it hurts: Every container that asks for a GPU ends before it starts: "nvidia-container-cli: container error: cgroup
subsystem devices not found".

How to tell: `nvidia-container-cli -V` says less than 1.8.0, and `stat -fc %T /sys/fs/cgroup` says cgroup2fs. The message
often comes after an upgrade of the distribution, which made cgroup v2 the default.

How to fix: Install a current nvidia-container-toolkit and libnvidia-container1 from NVIDIA's own repository and restart
Docker. Booting with systemd.unified_cgroup_hierarchy=0 puts it off.

Sources: https://github.com/NVIDIA/libnvidia-container/releases/tag/v1.8.0
https://github.com/NVIDIA/nvidia-docker/issues/1660
https://github.com/pop-os/beta/issues/289
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Unknown
from gpudoctor.findings import CouldNotTell, Fix, Problem, seen
from gpudoctor.rules.containers._shared import daemon, docker_daemons, need_a_gpu, restart, the_toolkit
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, older

explains = ("container-rootless-cgroups",)

signatures: tuple[Signature | str, ...] = (
    # libnvidia-container before 1.8.0, src/cgroup.c.
    Signature(r"cgroup subsystem devices not found", 0.85),
    # NVIDIA's runtime for legacy cgroups, in the same situation: runc's own words.
    Signature(r"mountpoint for devices not found", 0.6, needs=(r"nvidia",)),
)


#: The first release of the toolkit and of its library that knows the unified hierarchy.
FIRST = "1.8.0"


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    daemons = [d for d in docker_daemons(containers) if d.flavour == "rootful"]
    toolkit = the_toolkit(containers)
    need_a_gpu(host, driver, gpu)
    version = need(toolkit.version, "version of the container toolkit").partition("-")[0]
    if not is_version(version) or not older(version, FIRST):
        return
    for engine in daemons:
        if isinstance(engine.cgroup_version, Unknown):
            yield CouldNotTell(
                f"Docker's cgroup version: {engine.cgroup_version.reason}", engine.cgroup_version.would_help
            )
        elif need(engine.cgroup_version, "cgroup version of Docker") == "2":
            yield Problem(
                f"The container toolkit {version} does not know cgroup v2, which this system uses",
                daemon(engine),
                evidence=(
                    seen("container toolkit", toolkit.version),
                    seen("cgroup version", engine.cgroup_version),
                ),
                fix=Fix(
                    f"Install a current toolkit from NVIDIA's repository ({FIRST} is the first that knows it), restart Docker",
                    (
                        "sudo apt-get install --only-upgrade nvidia-container-toolkit libnvidia-container1",
                        restart(engine),
                    ),
                ),
            )
