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

from gpudoctor.signature import Signature

explains = ("container-rootless-cgroups",)

signatures: tuple[Signature | str, ...] = (
    # libnvidia-container before 1.8.0, src/cgroup.c.
    Signature(r"cgroup subsystem devices not found", 0.85),
    # NVIDIA's runtime for legacy cgroups, in the same situation: runc's own words.
    Signature(r"mountpoint for devices not found", 0.6, needs=(r"nvidia",)),
)
