"""The kubelet and the container runtime use different cgroup drivers

What it is: The kubelet and the runtime (containerd, Docker) each make control groups, through systemd or by themselves, and
must do it in the same way. Setting up the nvidia runtime changes the runtime's configuration: a file that was written anew,
or a drop-in that replaces a section, has lost runc's SystemdCgroup = true; a daemon.json that a tool overwrote has lost
native.cgroupdriver=systemd, its runtimes and its data-root.

Why it hurts: Pods are killed and made again ("Pod sandbox changed, it will be killed and re-created"), the network's and the
storage's pods among them; or nothing starts: "expected cgroupsPath to be of format slice:prefix:name"; or the kubelet
stops: "kubelet cgroup driver: systemd is different from docker cgroup driver: cgroupfs". Two managers of one tree also lose
the GPU's device rules.

How to tell: `containerd config dump | grep SystemdCgroup` or `docker info | grep -i cgroup`, against cgroupDriver in
/var/lib/kubelet/config.yaml. The change came with the toolkit's configuration or another installer.

How to fix: Let all say systemd: SystemdCgroup = true in the options of runc and of nvidia in containerd's configuration, or
"exec-opts": ["native.cgroupdriver=systemd"] in daemon.json, beside what stood there before; restart the runtime, then the
kubelet. `nvidia-ctk runtime configure` keeps what is there and copies runc's options: prefer it to files copied from a page.

Sources: https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/configure-cgroup-driver/
https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers
https://github.com/NVIDIA/nvidia-docker/issues/1788
https://github.com/opencontainers/runc/blob/main/libcontainer/cgroups/systemd/common.go
"""

from __future__ import annotations

from gpudoctor.signature import Signature

explains = ("container-cgroup-device-lost",)

signatures: tuple[Signature | str, ...] = (
    # The kubelet, up to 1.23 with Docker.
    Signature(
        r"kubelet cgroup driver: \W{0,3}(?P<kubelet>\w+)\W{0,3} is different from docker cgroup driver: \W{0,3}(?P<runtime>\w+)",
        0.97,
        explanation="The kubelet uses {kubelet}, Docker {runtime}.",
    ),
    # runc, libcontainer/cgroups/systemd: the runtime uses systemd, the kubelet does not.
    Signature(
        r"expected cgroupsPath to be of format \W{0,3}slice:prefix:name\W{0,3} for systemd cgroups, got",
        0.95,
        explanation="The runtime uses systemd, and the kubelet gives it a path for cgroupfs.",
    ),
    # What people find and write after configuring containerd for the nvidia runtime.
    Signature(
        r"Pod sandbox changed, it will be killed and re-created",
        0.75,
        needs=(r"SystemdCgroup|cgroup ?driver|native\.cgroupdriver|nvidia-ctk|nvidia-container|BinaryName",),
    ),
    Signature(
        r"SystemdCgroup ?= ?false", 0.6, needs=(r"CrashLoopBackOff|flap|restart\w*|SandboxChanged|killed",)
    ),
)
