"""The Fabric Manager is installed where no NVSwitch is

What it is: The service that sets up NVSwitches is installed on a machine without any; it ends at once with "nothing to do".

Why it hurts: Not at all: a failed unit in systemd's list, and the search for a fault that is none.

How to tell: No NVSwitch on the PCI bus (NVIDIA's bridges of class 0680), the GPUs work, and the service does not run.

How to fix: Disable the service, or leave it as it is.

Sources: https://github.com/NVIDIA/gpu-operator/issues/610
https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import known, value_of
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need, nvidia_gpus
from gpudoctor.rules.multigpu.nvlink_fabric_manager import NOT_READY
from gpudoctor.rules.witnesses import nvswitches


def check(driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    manager = need(driver.fabric_manager, "Fabric Manager")
    running = need(manager.running, "Fabric Manager's process")
    nvidia_gpus(gpu)  # raises when the bus cannot be read
    nvml, cuda = value_of(gpu.nvml, None), value_of(gpu.cuda, None)
    fabric = [one for one in (nvml.devices if nvml else ()) if known(one.fabric)]
    if running or nvswitches(gpu) or fabric or (cuda is not None and cuda.code == NOT_READY):
        # GPUs that report a fabric have switches, even where those are not on the bus (NVLink 5).
        return
    if not known(gpu.pci):
        raise DoesNotApply("no PCI bus")
    yield Problem(
        "The Fabric Manager does not run, and this machine has no NVSwitch for it",
        MACHINE,
        "note",
        (Evidence("NVSwitches on the bus", "0", getattr(gpu.pci, "via", "")),),
        fix=Fix("Disable the service", ("sudo systemctl disable --now nvidia-fabricmanager",), "unsafe"),
    )
