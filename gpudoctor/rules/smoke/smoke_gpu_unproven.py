"""It could not be proved that the GPU did the work

What it is: Everything passed and nothing speaks against the GPU, but fewer witnesses than needed saw it work:
placement, one proof inside the process, and one from outside of it.

Why it hurts: Frameworks fall back to the CPU in silence; a result without a proof is not a healthy GPU.

How to tell: Every witness is listed with what it said. WSL2, MIG, vGPU and containers have fewer of them; on a
GPU that others use, energy and utilisation prove nothing.

How to fix: Run it while nobody else uses the GPU, or where NVML answers (on the host of the container). If the
kernel records are what is missing: CUPTI may be refused to users; the driver's module option
NVreg_RestrictProfilingToAdminUsers=0 permits it.

Sources: https://developer.nvidia.com/nvidia-development-tools-solutions-err_nvgpuctrperm-permission-issue-performance-counters
https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.smoke._trials import hardware, trials, where


def check(smoke: Smoke) -> Iterator[Problem | CouldNotTell]:
    found = [t for t in trials(smoke) if t.verdict != "cpu"]
    if not found:
        raise DoesNotApply("nothing was tried on a GPU")
    for trial in found:
        if trial.verdict == "skipped":
            yield CouldNotTell(f"{where(trial)}: {trial.why}", subject=hardware(trial))
        if trial.verdict != "unconfirmed":
            continue
        yield Problem(
            f"{where(trial)}: {trial.why}",
            hardware(trial),
            "warning",
            tuple(Evidence(c.name, f"{c.state}: {c.value}", c.via) for c in trial.channels),
            fix=Fix("Run it where NVML answers and nobody else uses the GPU", ("nvidia-smi",)),
        )
