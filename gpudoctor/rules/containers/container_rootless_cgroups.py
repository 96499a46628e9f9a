"""Rootless Docker can't set the device rules that the toolkit asks for

What it is: The toolkit's hook adds NVIDIA's devices to the container's device cgroup. A rootless daemon may not do that:
the kernel allows it to root only.

Why it hurts: GPU containers don't start: "failed to add device rules: ... bpf_prog_query(BPF_CGROUP_DEVICE) failed:
operation not permitted".

How to tell: The daemon is rootless, the toolkit's configuration has no-cgroups = false (the default), and there is no CDI
specification that would make the hook unnecessary.

How to fix: Best: CDI (`nvidia-ctk cdi generate`, then `--device nvidia.com/gpu=all`). Or no-cgroups = true, but only if no
rootful daemon on the machine uses the same file: it would lose its GPUs by that.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html#rootless-mode
https://github.com/NVIDIA/nvidia-container-toolkit/issues/106
https://github.com/NVIDIA/nvidia-container-toolkit/issues/139
https://github.com/NVIDIA/libnvidia-container/issues/154
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Fix, Problem, seen
from gpudoctor.rules.containers._shared import daemon, docker_daemons, nvidia_specs, the_toolkit
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"bpf_prog_query\(BPF_CGROUP_DEVICE\) failed: operation not permitted", 0.97),
    Signature(r"failed to add device rules: .{0,160}(?:operation not permitted|permission denied)", 0.93),
    Signature(
        r"nvidia-container-cli: mount error: .{0,120}(?:cgroup|devices\.allow).{0,60}(?:permission denied|operation not permitted)",
        0.93,
    ),
    Signature(
        r"write error: /sys/fs/cgroup/devices/.{0,200}devices\.allow: (?:operation not permitted|permission denied)",
        0.95,
    ),
    Signature(r"cgroup subsystem devices not found", 0.45),
    Signature(r"bpf_prog_query", 0.85, needs=(r"nvidia|\bgpus?\b",)),
    Signature(r"failed to add device rules", 0.85),
    Signature(r"BPF_CGROUP_DEVICE|BPF_PROG_QUERY", 0.9, needs=(r"nvidia|\bgpus?\b",)),
    Signature(
        r"mount error: .{0,300}(?:devices\.allow|cgroup).{0,80}(?:denied|not permitted|no such|read-only)",
        0.9,
        needs=(r"nvidia|cgroup",),
    ),
    Signature(
        r"no-cgroups ?= ?true",
        0.75,
        needs=(r"rootless|podman|LXC|lxc|unprivileged|denied|not permitted|fix\w*|work\w*",),
        unless=(r"Unknown Error",),
    ),
    Signature(
        r"rootless.{0,200}(?:nvidia-container-cli|cgroup|device rules)|nvidia-container-cli.{0,300}rootless",
        0.66,
        unless=(r"Insufficient Permissions",),
    ),
    Signature(
        r"bpf_prog_query.{0,40}operation not permitted|bpf_prog_query|bpf_prog_attach",
        0.85,
        needs=(r"nvidia|gpu|GPU",),
    ),
    Signature(
        r"nvidia-container-cli: container error: (?:stat failed|open failed|failed to (?:read|stat|open)).{0,40}cgroup",
        0.8,
    ),
)


def check(containers: Containers) -> Iterator[Problem]:
    rootless = [d for d in docker_daemons(containers) if d.flavour == "rootless"]
    if not rootless:
        raise DoesNotApply("no rootless Docker")
    toolkit = the_toolkit(containers)
    off = need_or(toolkit.no_cgroups, "no-cgroups in the toolkit's configuration", False)
    if off or value_of(toolkit.mode, "") == "cdi" or nvidia_specs(containers):
        return
    rootful = any(d.flavour == "rootful" for d in docker_daemons(containers))
    for engine in rootless:
        yield Problem(
            "Rootless Docker can't set device rules, and the toolkit asks it to (no-cgroups = false)",
            daemon(engine),
            evidence=(
                seen("no-cgroups", toolkit.no_cgroups),
                seen("mode", toolkit.mode),
                seen("CDI specifications", containers.cdi),
                seen("runtimes in its file", engine.file_runtimes),
            ),
            fix=Fix(
                "Use CDI: write a specification, and ask for the device by its CDI name",
                ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",),
                "unsafe",
            )
            if rootful
            else Fix(
                "Turn the toolkit's device rules off (or use CDI)",
                ("sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=true --in-place",),
                "unsafe",
            ),
        )
