"""This GPU works only with the proprietary kernel module

What it is: NVIDIA's open kernel module needs the GPU System Processor (GSP), which GPUs have from Turing on. Maxwell,
Pascal and Volta are driven by the proprietary flavour only.

Why it hurts: The open module loads, ignores the GPU, and nvidia-smi says "No devices were found".

How to tell: The licence of the module is "Dual MIT/GPL", the GPU's compute capability is below 7.5; the kernel log says
"not supported by open nvidia.ko because it does not include the required GPU System Processor (GSP)".

How to fix: Install the proprietary flavour of the driver, of branch 580 or older, and reboot.

Sources: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/696
https://github.com/pop-os/pop/issues/3859
https://download.nvidia.com/XFree86/Linux-x86_64/535.54.03/README/kernel_open.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Problem
from gpudoctor.rules.driver._flavour import judge
from gpudoctor.rules.driver._installation import SYMPTOMS
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "gpu-init-failed")

signatures: tuple[Signature | str, ...] = (
    # nv.c of the open module on GPUs before Turing.
    # Its lines each bear "NVRM:", and the kernel log's own time.
    Signature(r"is not supported by open(?:\s(?:\S{1,60}\s){0,6}NVRM:)? nvidia\.ko", 0.97),
    Signature(r"does not include the required GPU(?:\s(?:\S{1,60}\s){0,6}NVRM:)? System Processor", 0.97),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    yield from judge(host, driver, gpu, "proprietary", "no-gsp-in-gpu")
