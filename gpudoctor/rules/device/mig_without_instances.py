"""MIG is on, and the GPU has not been divided

What it is: In MIG mode a GPU can be used only through its instances. The mode is on and there is no instance.

Why it hurts: nvidia-smi shows the GPU, and CUDA finds nothing to run on ("no CUDA-capable device", "No devices were found").

How to tell: NVML says that MIG is enabled and lists no MIG device on that GPU. After a reboot instances are gone while the mode stays on.

How to fix: Create instances (`nvidia-smi mig -cgi <profiles> -C`), with nvidia-mig-parted at each boot; or switch MIG off.

Sources: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/getting-started-with-mig.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.rules.witnesses import each

explains = ("gpu-lost-in-cuda", "gpu-memory-nearly-full")


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.mig_enabled, "MIG mode")
    yield from untold
    for one, enabled in told:
        if not enabled or one.nvml is None:
            continue
        instances = one.nvml.mig_instances
        if isinstance(instances, Unknown):
            reason = f"{one.subject.label}: MIG instances: {instances.reason}"
            yield CouldNotTell(reason, instances.would_help, one.subject)
        elif isinstance(instances, Absent) or (isinstance(instances, Known) and not instances.value):
            yield Problem(
                f"{one.subject.label} is in MIG mode and has no instance: CUDA cannot use it",
                one.subject,
                "failure",
                (Evidence("MIG mode", "enabled", "NVML"), Evidence("MIG instances", "none", "NVML")),
                fix=Fix(
                    "Create instances (see the profiles with the first command), or switch MIG off",
                    (
                        f"nvidia-smi mig -i {one.subject.name} -lgip",
                        f"sudo nvidia-smi mig -i {one.subject.name} -cgi <profile> -C",
                        f"sudo nvidia-smi -i {one.subject.name} -mig 0   # to switch MIG off instead",
                    ),
                ),
            )
