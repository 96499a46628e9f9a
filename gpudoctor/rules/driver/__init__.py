"""The driver: not there, not loaded, not fitting its other half, or not fitting the GPU."""

from __future__ import annotations

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known, Unknown, known, value_of

#: Judged even where the gate below is shut: on a machine without a GPU this is what there is to say.
judged_always = ("no-nvidia-gpu",)


def not_applicable(
    host: Host, driver: Driver, gpu: Gpu, containers: Containers, expectation: Expectation
) -> str:
    """Neither a GPU, nor a part of a driver, nor anybody who wants one: then none of these files is read."""
    from gpudoctor.rules.judging import gpu_ruled_out

    inside = value_of(containers.inside, None)
    if expectation.gpu or (inside is not None and isinstance(inside.visible_devices, Known)):
        return ""
    if known(host.tegra) or not gpu_ruled_out(gpu, wsl=known(host.wsl)):
        return ""
    parts = (driver.module, driver.libraries, driver.module_files, driver.packages, host.dkms)
    if any(isinstance(part, Unknown) for part in parts[:2]) or any(value_of(part, ()) for part in parts):
        return ""
    return "no NVIDIA GPU, no driver, and nobody asks for one"
