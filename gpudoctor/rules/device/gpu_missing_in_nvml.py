"""The driver holds a GPU on the bus and does not list it

What it is: A GPU is on the PCI bus and bound to NVIDIA's kernel driver, other GPUs are listed by NVML, and this one is not: the driver
failed to bring it up, or lost it.

Why it hurts: The machine works with fewer GPUs than it has, and nothing says so.

How to tell: The bus's NVIDIA devices that are bound to the nvidia driver against NVML's addresses. In a container the missing ones may
have been left out on purpose; so may those that a scheduler keeps from this job (Slurm's ConstrainDevices: their nodes do not open).

How to fix: Read the kernel log for that address (RmInitAdapter, Xid, GSP). A cold reboot often brings it back; if not: power, seating, BIOS.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
https://github.com/NVIDIA/NVSentinel/issues/155
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import known, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import devices, mute, nvidia_gpus
from gpudoctor.rules.witnesses import address, address_of, answering, subject_at, withheld

explains = ("gpu-lost-in-cuda",)


def check(driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    if known(containers.inside):
        raise DoesNotApply("a container may have been given some of the GPUs only")
    answering(gpu)
    if withheld(driver, gpu):
        raise DoesNotApply(
            "a scheduler gave this process some of the GPUs only: the nodes of the others do not open"
        )
    if not known(gpu.pci):
        nvidia_gpus(gpu)
        raise DoesNotApply("no PCI bus")
    listed = devices(gpu)
    nameless = next((one for one in listed if not address_of(one)), None)
    if nameless is not None:
        raise CannotLook(mute(nameless) or f"{nameless.subject.label} does not tell its PCI address")
    addresses = {address_of(one) for one in listed}
    for one in nvidia_gpus(gpu):
        if value_of(one.driver, "") != "nvidia" or address(one.address) in addresses:
            continue
        if value_of(one.runtime_status, "active") == "suspended":
            continue
        subject = subject_at(gpu, one.address)
        yield Problem(
            f"{subject.label} belongs to the nvidia driver, and NVML does not list it",
            subject,
            "failure",
            (
                Evidence("bound driver", "nvidia", getattr(one.driver, "via", "")),
                Evidence("devices that NVML lists", str(len(listed)), "NVML"),
            ),
            fix=Fix(
                "Read what the kernel says of this device, then try a cold reboot",
                (f"sudo dmesg | grep -i '{one.address[:-2]}\\|nvrm'",),
            ),
        )
