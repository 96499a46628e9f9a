"""Several GPUs together: NVLink, NVSwitch, and what NCCL needs of the machine."""

from __future__ import annotations

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host


def not_applicable(gpu: Gpu, host: Host) -> str:
    from gpudoctor.rules.witnesses import no_gpu

    return no_gpu(gpu, host)
