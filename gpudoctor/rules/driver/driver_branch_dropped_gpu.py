"""The installed driver branch no longer supports this GPU

What it is: Each driver branch supports GPUs from some generation on. Branch 590 dropped Maxwell, Pascal and Volta (580
is the last for them), the branches after 470 dropped Kepler. An upgrade of the distribution brings such a driver unasked.

Why it hurts: The module loads, ignores the GPU ("will ignore this GPU") and, when there is no other, unloads again:
nvidia-smi can't reach a driver.

How to tell: The GPU's generation against the driver's version; the kernel log says "supported through the NVIDIA 580.xx
Legacy drivers".

How to fix: Install the last branch that supports the GPU and keep it there (hold the packages).

Sources: https://github.com/NixOS/nixos-hardware/issues/1880
https://github.com/NixOS/nixos-hardware/issues/1828
https://www.nvidia.com/en-us/drivers/unix/legacy-gpu/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    capability,
    described,
    events,
    family,
    other_drivers,
    quoted,
    subject,
    unlisted,
)
from gpudoctor.signature import Signature
from gpudoctor.versions import branch

explains = (
    *SYMPTOMS,
    "gpu-init-failed",
    "driver-proprietary-module-required",
    "nouveau-active",
    "module-built-but-refused",
)

signatures: tuple[Signature | str, ...] = (
    # nv.c, from 390 on: "The NVIDIA Quadro K2000 GPU installed in this system is supported through the NVIDIA 470.xx Legacy drivers."
    Signature(
        r"supported through the NVIDIA (?P<branch>[\d.]+x*) Legacy drivers",
        0.95,
        fix="Install the driver of the {branch} legacy branch, which still supports this GPU.",
    ),
    Signature(r"NVIDIA driver will ignore this GPU", 0.9),
    Signature(
        r"WARNING: You do not appear to have an NVIDIA GPU supported by the \S+ NVIDIA Linux graphics driver",
        0.5,
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    from gpudoctor import knowledge

    there = unlisted(host, driver, gpu)
    version, found = there.version, there.every
    yield from there.untold
    ill: list[PciDevice] = []
    last = 0
    for one, known in there.told:
        row = knowledge.last_branch(known)
        if row is not None and branch(version.value) > row.branch:
            ill.append(one)
            last = max(last, row.branch)
    said = [e for e in events(host, "unsupported-gpu") if version.value in e.text]
    if not ill and said and len(found) == 1 and not value_of(gpu.nvml, None):
        match = re.search(r"the NVIDIA (\d+)\.xx Legacy", said[0].text)
        ill, last = list(found), int(match[1]) if match else 0
    for whom in subject(gpu, ill, found) if ill else []:
        yield Problem(
            f"Driver {version.value} no longer supports the {described(ill)}; branch {last} is the last that does",
            whom,
            "note" if all(other_drivers(gpu, d, found) for d in ill) else "failure",
            evidence=(
                seen("driver", version),
                *(seen(f"compute capability of {d.address}", capability(gpu, d)) for d in ill),
                Evidence("last branch", str(last), "NVIDIA's list of legacy GPUs"),
                *quoted(host, said),
            ),
            fix=_fix(host, last),
        )


def _fix(host: Host, last: int) -> Fix:
    summary = f"Install driver branch {last} (the proprietary flavour) and hold its packages"
    if family(host) == "ubuntu":
        name = f"nvidia-driver-{last}"
        return Fix(summary, (f"sudo apt-get install {name}", f"sudo apt-mark hold {name}", "sudo reboot"))
    if family(host) == "nixos":
        return Fix(
            f"{summary}: hardware.nvidia.package = config.boot.kernelPackages.nvidiaPackages.legacy_{last}"
        )
    return Fix(summary)
