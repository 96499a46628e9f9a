"""The GPU is much slower than it should be

What it is: Matrix products or copies ran at a small share of what this device can do, or much slower than on
the same kind of GPU in this machine.

Why it hurts: Training takes as much longer; in a job over several GPUs all wait for the slowest.

How to tell: Rates of matrix products (fp16, bf16, fp32) and of copies on the device, against a peak derived
from the number of multiprocessors, the clocks and the memory bus (or the datasheet, as the evidence says); of
copies from and to the host, against the PCIe link; and against the median of its siblings. Throttling, a narrow PCIe link, ECC errors and other tenants are named
first; under MIG, vGPU and on a shared GPU there is no verdict.

How to fix: Mend the reason that is named: cooling for thermal throttling, the power limit (`nvidia-smi -q -d
POWER,PERFORMANCE`) for a power cap, reseating for a narrow link. Without a reason: compare the driver and the
clocks with those of a sibling, and repeat it on an idle machine.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
https://github.com/stas00/ml-engineering
https://github.com/Azure/azurehpc-health-checks
https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/dcgm-diagnostics.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from gpudoctor.facts.smoke import Smoke, Trial
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Severity
from gpudoctor.knowledge.peaks import HOST_COPIES, link_floor, peak_of, share
from gpudoctor.rules.smoke._trials import hardware, trials, where

#: Rates that depend on the device alone.
_OWN = ("fp32_tflops", "tf32_tflops", "fp16_tflops", "bf16_tflops", "copy_gbs")
#: Where others share the device its speed says nothing.
_SHARED = ("mig", "vgpu")


def check(smoke: Smoke) -> Iterator[Problem]:
    judged = [t for t in trials(smoke) if _rates(t) and t.device.kind == "cuda" and not _shared(t)]
    if not judged:
        raise DoesNotApply("no rate was measured on a GPU of our own (--full measures them)")
    for trial in judged:
        siblings = [
            t for t in judged if t.device.name == trial.device.name and t.framework == trial.framework
        ]
        seen = [s for name, value in _rates(trial).items() for s in _judged(trial, name, value, siblings)]
        if not seen:
            continue
        worst: Severity = "failure" if any(s == "failure" for s, _ in seen) else "warning"
        reasons = trial.reasons
        title = f"{where(trial)} is slow" + (f": {reasons[0]}" if reasons else "")
        yield Problem(
            title,
            hardware(trial),
            # What has a reason that NVML names is that illness, and not a broken GPU.
            "warning" if reasons else worst,
            (*(e for _, e in seen), *(Evidence("reason", r, "NVML") for r in reasons)),
            fix=Fix("See what holds it back", ("nvidia-smi -q -d PERFORMANCE,POWER,CLOCK,ECC",)),
        )


def _rates(trial: Trial) -> dict[str, float]:
    return {
        name: value
        for phase in trial.phases
        if phase.name == "roofline" and phase.state == "passed"
        for name, value in phase.values.items()
        if name.endswith(("_tflops", "_gbs"))
    }


def _shared(trial: Trial) -> bool:
    return any(name in trial.platform for name in _SHARED) or any(
        "other processes" in r for r in trial.reasons
    )


def _judged(
    trial: Trial, name: str, value: float, siblings: Sequence[Trial]
) -> Iterator[tuple[Severity, Evidence]]:
    unit = "TFLOP/s" if name.endswith("_tflops") else "GB/s"
    peak = peak_of(trial.device, name) if name in _OWN else None
    if peak is not None:
        limits = share("copy" if name == "copy_gbs" else "gemm")
        part = value / peak.value
        if part < limits.warning:
            told = f"{value:.4g} {unit}, {part:.0%} of {peak.value:.4g} ({peak.basis})"
            yield "failure" if part < limits.failure else "warning", Evidence(name, told, peak.source)
    link = peak_of(trial.device, name) if name in HOST_COPIES and "wsl2" not in trial.platform else None
    floor = link_floor(trial.device)
    if link is not None and value < floor * link.value:
        # The slot and the host have their part in it: that alone makes no GPU broken.
        told = f"{value:.4g} {unit}, {value / link.value:.0%} of {link.value:.4g} ({link.basis}); healthy machines reach {floor:.0%}"
        yield "warning", Evidence(name, told, link.source)
    others = [_rates(t)[name] for t in siblings if t is not trial and name in _rates(t)]
    if others:
        middle = median([*others, value])
        limits = share("sibling")
        if value < limits.warning * middle:
            told = f"{value:.4g} {unit}, {value / middle:.0%} of the median of {len(others) + 1} alike"
            yield (
                "failure" if value < limits.failure * middle else "warning",
                Evidence(name, told, "siblings"),
            )
