"""The framework did the work on the CPU, or no witness saw the GPU do it

What it is: A training run that was to use the GPU did not: the framework sees none, fell back to the CPU in
silence, or says that it used the GPU while every witness that this platform has saw the GPU do nothing.

Why it hurts: Nothing fails and everything is ten to a hundred times slower; on a rented machine the GPU is paid
for and idle.

How to tell: Where the framework puts its results, whether the process had the GPU's device files open, and
NVML's used memory, energy and utilisation, sampled by another process before and during the work.

How to fix: What stands above this finding names why the framework sees no GPU (a build without CUDA, a driver
too old, a mask that hides it). Where nothing does: `gpudoctor check` with this interpreter as --python, and
make the fallback an error (soft placement off in TensorFlow, JAX_PLATFORMS=cuda).

Sources: https://www.tensorflow.org/guide/gpu
https://github.com/NVIDIA/gpu-operator/issues/2685
https://docs.jax.dev/en/latest/faq.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.smoke._trials import evidence, software, trials, where

explains = ("smoke-gpu-unproven",)


def check(smoke: Smoke) -> Iterator[Problem]:
    """Placement that failed, work that was done on the CPU, and claims that a witness contradicts."""
    judged, permitted = False, need(smoke.run, "smoke run").allow_cpu
    for trial in trials(smoke):
        failed = tuple(p for p in trial.phases if p.state == "failed" and p.illness == "placement")
        against = tuple(c for c in trial.channels if c.state == "contradicts")
        on_cpu = trial.verdict == "fail" and trial.device.kind == "cpu" and not failed and not permitted
        judged = judged or trial.device.kind == "cuda" or bool(failed)
        if not failed and not (trial.verdict == "fail" and against) and not on_cpu:
            continue
        title = f"{where(trial)}: {failed[0].message.splitlines()[0] if failed else 'the GPU did not do the work'}"
        seen = tuple(Evidence(c.name, f"{c.state}: {c.value}", c.via) for c in trial.channels)
        yield Problem(
            title,
            software(trial),
            evidence=(*evidence(trial, failed), *(against and seen)),
            fix=Fix(
                "Find out why the framework sees no GPU",
                (f"gpudoctor check --import --python {trial.interpreter}",),
            ),
        )
        judged = True
    if not judged:
        raise DoesNotApply("nothing was tried on a GPU")
