"""Containers: started without the GPU, or an engine, a toolkit or a CDI specification that can't give it one."""

from __future__ import annotations

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.rules.judging import gpu_ruled_out


def not_applicable(host: Host, gpu: Gpu, containers: Containers) -> str:
    """A host without an NVIDIA GPU, and without anything of NVIDIA's for containers, has nothing to judge here."""
    if not isinstance(containers.inside, Absent) or not gpu_ruled_out(gpu, isinstance(host.wsl, Known)):
        return ""
    for said in (containers.toolkit, containers.cdi, containers.repositories):
        if not isinstance(said, Absent) and not (isinstance(said, Known) and not said.value):
            return ""
    if not isinstance(containers.engines, Known):
        return ""
    # Engines alone don't count: a Docker host without a GPU is well. An nvidia runtime in their files does.
    for engine in containers.engines.value:
        runtimes = engine.file_runtimes
        if isinstance(runtimes, Known) and any("nvidia" in name for name in runtimes.value):
            return ""
    return "not in a container, no NVIDIA GPU, and nothing is set up for one"
