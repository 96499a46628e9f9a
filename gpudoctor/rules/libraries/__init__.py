"""CUDA's user libraries: missing, of the wrong version, shadowed by another copy, or mixed."""

from __future__ import annotations

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.rules.judging import gpu_ruled_out


def not_applicable(host: Host, gpu: Gpu) -> str:
    """Frameworks run on the CPU here, and a plain `pip install tensorflow` brings no CUDA library on purpose."""
    return "no NVIDIA GPU" if gpu_ruled_out(gpu, isinstance(host.wsl, Known)) else ""
