"""A GPU is set aside for virtual machines

What it is: The GPU is bound to vfio-pci, so that a virtual machine can have it. The host's driver can't use it meanwhile.

Why it hurts: nvidia-smi on the host does not show this GPU, and a program that counts on it fails. Where it is meant so,
nothing is wrong.

How to tell: /sys/bus/pci/devices/<GPU>/driver points to vfio-pci; the kernel log says "already bound to vfio-pci".

How to fix: To use it on the host: take its ids out of the vfio-pci options (modprobe.d, kernel command line), rebuild the
initramfs, reboot.

Sources: https://docs.kernel.org/driver-api/vfio.html
https://wiki.archlinux.org/title/PCI_passthrough_via_OVMF
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import SYMPTOMS, gpus, native_linux, product, subject_of, user_space
from gpudoctor.signature import Signature

explains = SYMPTOMS

signatures: tuple[Signature | str, ...] = (
    Signature(r"Kernel driver in use: vfio-pci", 0.85, needs=(r"NVIDIA",)),
)


def check(host: Host, driver: Driver, gpu: Gpu, expectation: Expectation) -> Iterator[Problem]:
    native_linux(host)
    found = gpus(gpu)
    away = [d for d in found if value_of(d.driver, "").startswith("vfio")]
    wanted = bool(expectation.gpu) and len(away) == len(found)
    for one in away:
        yield Problem(
            f"{product(one)} at {one.address} is bound to vfio-pci: it is a virtual machine's, not this host's",
            subject_of(gpu, one),
            "failure" if wanted else "warning" if user_space(driver) and len(away) == len(found) else "note",
            evidence=(
                Evidence(
                    f"driver of {one.address}", value_of(one.driver, ""), getattr(one.driver, "via", "")
                ),
            ),
            fix=Fix(
                "To use it on the host, take it out of the vfio-pci options, rebuild the initramfs, reboot"
            ),
        )
