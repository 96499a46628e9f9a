"""Single devices: which of them a process may see and use."""

from __future__ import annotations

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host


def not_applicable(gpu: Gpu, host: Host) -> str:
    from gpudoctor.rules.witnesses import no_gpu

    return no_gpu(gpu, host)
