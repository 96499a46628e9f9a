"""A model that always learns did not

What it is: The loss of a small model on generated data did not fall as it does everywhere, became infinite or
no number, or the model fails on examples that it has not seen.

Why it hurts: Single operations may be right and training still wrong: a backward pass, a reduction or a mixed-
precision step is at fault. Your own training will do the same.

How to tell: Data, weights and steps come from fixed seeds, so healthy machines agree: the loss curve is in the
report (--format json, --save-plot). The other phases tell whether single products are right.

How to fix: If wrong numerics stand above it, mend those. If only one phase fails, its library is suspect (conv
and lstm: cuDNN; transformer: an attention backend; amp: half precision): reinstall the framework with the
versions it pins, and try with its TF32 and autotuning switched off.

Sources: https://docs.pytorch.org/docs/stable/notes/randomness.html
https://docs.nvidia.com/deeplearning/cudnn/backend/latest/release-notes.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, of_illness, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, of_illness("convergence")):
        curves = tuple(
            Evidence(
                f"{p.name}, loss",
                " ".join(f"{x:.3g}" for x in p.curve[:: max(1, len(p.curve) // 8)]),
                "by step",
            )
            for p in phases
            if p.curve
        )
        yield Problem(
            f"{where(trial)} does not learn ({names(phases)})",
            software(trial),
            evidence=(*evidence(trial, phases), *curves),
            fix=Fix(
                "Compare with the CPU: if it learns there, the device or its libraries are at fault",
                (
                    f"CUDA_VISIBLE_DEVICES= gpudoctor smoke --allow-cpu --python {trial.interpreter} "
                    f"--framework {trial.framework}",
                ),
            ),
        )
