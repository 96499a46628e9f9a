"""The GPU sleeps and was not woken

What it is: On a laptop with two GPUs the NVIDIA one is switched off while nothing uses it (runtime power management,
RTD3). Asking the driver would wake it and cost battery, so only what the bus and the files show was examined.

Why it hurts: It does not: the GPU wakes by itself when a program uses it. But nothing that only the driver can tell,
such as memory errors, temperature or its processes, was looked at.

How to tell: power/runtime_status of the PCI device is "suspended", and NVIDIA's driver is bound to it.

How to fix: Nothing is broken. To have the GPU asked too, run the check again with --wake.

Sources: https://download.nvidia.com/XFree86/Linux-x86_64/550.163.01/README/dynamicpowermanagement.html
https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-devices-power
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Fix, Problem, device, seen
from gpudoctor.rules.judging import nvidia_gpus


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    found = nvidia_gpus(gpu)
    if not found:
        raise DoesNotApply("no NVIDIA GPU on the PCI bus")
    if not isinstance(gpu.nvml, Unknown):
        return  # the driver was asked, or there is none to ask
    for one in found:
        subject = device(one.address, f"GPU at {one.address}")
        if isinstance(one.runtime_status, Unknown):
            yield CouldNotTell(f"{one.address}: {one.runtime_status.reason}", subject=subject)
        elif value_of(one.runtime_status, "") == "suspended" and gpu.nvml.would_help == "wake":
            yield Problem(
                f"The GPU at {one.address} is asleep and was not asked",
                subject,
                "note",
                (seen("runtime power state", one.runtime_status), seen("driver", one.driver)),
                fix=Fix("Run the check again with --wake", ("gpudoctor check --wake",)),
            )
