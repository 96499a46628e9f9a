"""Persistence mode is off on a data centre GPU

What it is: Without persistence the driver forgets a GPU when the last program closes it, and initialises it anew for the next one.

Why it hurts: Each start of a program costs one to three seconds per GPU, settings such as power limits are lost in between, and
monitoring that opens and closes the GPU keeps waking it.

How to tell: NVML's persistence mode of a data centre GPU is off and no nvidia-persistenced runs. On a desktop the screen keeps
the GPU open, and on a laptop it should sleep.

How to fix: Run the persistence daemon that comes with the driver; where there is none, `nvidia-smi -pm 1`.

Sources: https://docs.nvidia.com/deploy/driver-persistence/overview.html
https://github.com/NVIDIA/DCGM/blob/master/nvvs/src/Software.cpp
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.witnesses import each, is_datacenter


def check(driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.persistence, "persistence mode")
    told = [(one, on) for one, on in told if one.nvml is not None and is_datacenter(one.nvml)]
    if not told and not untold:
        raise DoesNotApply("no data centre GPU here")
    yield from untold
    daemon = driver.persistence_daemon
    installed = isinstance(daemon, Known)
    running = daemon.value.running if isinstance(daemon, Known) else daemon
    if value_of(running, False) is True:
        return
    fix = "sudo systemctl enable --now nvidia-persistenced" if installed else "sudo nvidia-smi -pm 1"
    for one, on in told:
        if not on:
            yield Problem(
                f"{one.subject.label} is initialised anew for each program: persistence mode is off",
                one.subject,
                "note",
                (Evidence("persistence mode", "off", "NVML"), seen("nvidia-persistenced runs", running)),
                fix=Fix("Keep the GPU initialised", (fix,), "unsafe"),
            )
