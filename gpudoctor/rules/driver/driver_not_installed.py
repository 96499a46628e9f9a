"""The GPU is there, the driver is not

What it is: The PCI bus shows an NVIDIA GPU, and nothing of NVIDIA's driver is on this machine: no kernel module, neither
in memory nor on disk, and no driver library.

Why it hurts: Nothing can use the GPU. CUDA's toolkit and a framework's own CUDA libraries are not the driver and do not
bring it; frameworks run on the CPU or stop with "Found no NVIDIA driver".

How to tell: An NVIDIA display device under /sys/bus/pci/devices, no /sys/module/nvidia, no nvidia.ko under /lib/modules,
no libcuda.so.1 and no libnvidia-ml.so.1. Often nouveau, the free driver without CUDA, has the GPU meanwhile.

How to fix: Install the driver from the distribution's packages, or from NVIDIA's repository, and reboot. Blackwell needs
the open flavour of the kernel module, GPUs before Turing the proprietary one of branch 580 or older.

Sources: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/
https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    described,
    family,
    gpus,
    in_memory,
    installation,
    native_linux,
    not_for_guests,
)

explains = (*SYMPTOMS, "nouveau-active")


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    if isinstance(containers.inside, Known):
        raise DoesNotApply("in a container the driver is the host's")
    if isinstance(host.tegra, Known):
        raise DoesNotApply("a Jetson's driver is part of its system image")
    found = not_for_guests(gpus(gpu))
    if not found:
        raise DoesNotApply("all GPUs are set aside for virtual machines")
    if in_memory(driver) or installation(host, driver):
        return
    evidence = [
        Evidence("GPU on the bus", f"{d.address} 10de:{d.device:04x}", "/sys/bus/pci/devices") for d in found
    ]
    evidence += [seen(f"kernel driver of {d.address}", d.driver) for d in found[:1]]
    evidence += [
        seen("module in memory", driver.module),
        seen("modules on disk", driver.module_files),
        Evidence("driver libraries", "none", getattr(driver.libraries, "via", "")),
    ]
    yield Problem(
        f"{described(found)} on the PCI bus, and no NVIDIA driver is installed",
        evidence=tuple(evidence),
        fix=_fix(host),
    )


def _fix(host: Host) -> Fix:
    summary = "Install NVIDIA's driver and reboot"
    commands = {
        "ubuntu": ("sudo ubuntu-drivers install", "sudo reboot"),
        "debian": ("sudo apt-get install nvidia-driver firmware-misc-nonfree", "sudo reboot"),
        "arch": ("sudo pacman -S nvidia-open", "sudo reboot"),
    }.get(family(host), ())
    if commands:
        return Fix(summary, commands, "unsafe")
    return Fix(f"{summary}: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/")
