"""The installed driver is older than this GPU

What it is: A GPU needs a driver branch that knows its architecture: Turing came with branch 410, Ampere with 450, Ada and
Hopper with 520, Blackwell with 570; older drivers do not claim such a GPU at all.

Why it hurts: The module loads and no device is found, or the module does not load because there is no device for it.

How to tell: The GPU's generation, by its PCI id, against the driver's version.

How to fix: Install a newer driver branch (for Blackwell in the open flavour).

Sources: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
https://docs.nvidia.com/datacenter/tesla/drivers/cuda-toolkit-driver-and-architecture-matrix.html
https://www.nvidia.com/en-us/drivers/unix/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    capability,
    described,
    family,
    product,
    subject,
    unlisted,
)
from gpudoctor.versions import branch, older

#: Jetson's GPUs have drivers of their own.
JETSON = frozenset({"3.2", "5.3", "6.2", "7.2", "8.7", "10.1", "11.0"})

explains = (*SYMPTOMS, "gpu-init-failed", "driver-open-module-required", "driver-too-old-for-runtime")


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    from gpudoctor import knowledge

    there = unlisted(host, driver, gpu)
    version, found = there.version, there.every
    yield from there.untold
    ill: list[PciDevice] = []
    first = 0
    for one, known in there.told:
        row = knowledge.first_branch(known) or knowledge.not_before(known)
        if row is not None and branch(version.value) < row.branch:
            ill.append(one)
            first = max(first, row.branch)
        elif knowledge.first_branch(known) is None and not _known_by(version.value, known):
            yield CouldNotTell(
                f"whether driver {version.value} is new enough for {product(one)} is not in the tables"
            )
    for whom in subject(gpu, ill, found) if ill else []:
        command = f"sudo apt-get install nvidia-driver-{max(first, 580)}-open"
        yield Problem(
            f"Driver {version.value} is older than the {described(ill)}, which needs branch {first} or newer",
            whom,
            evidence=(
                seen("driver", version),
                *(seen(f"compute capability of {d.address}", capability(gpu, d)) for d in ill),
            ),
            fix=Fix(
                f"Install driver branch {first} or newer, in the open flavour",
                (command, "sudo reboot") if family(host) == "ubuntu" else (),
            ),
        )


def _known_by(driver: str, capability: str) -> bool:
    """The driver's own CUDA already compiles for this GPU. An older one may know it too: that is not on record."""
    from gpudoctor import knowledge

    own, first = knowledge.branch_cuda(branch(driver)), knowledge.first_cuda(capability)
    if own is None or capability in JETSON:
        return False
    if first is None:  # older than every toolkit of the table, and than every driver whose CUDA is known
        return capability in ("2.0", "2.1")
    return not older(own.cuda, first)
