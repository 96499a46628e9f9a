"""The device computes wrong results

What it is: A calculation whose true result is known came back different: bytes that were copied, a matrix
product of whole numbers, noise against double precision, a saved model, attention backends or ranks that must
agree.

Why it hurts: Training on such a device diverges, or worse: it converges to something subtly wrong. No error is
raised anywhere.

How to tell: Products of {-1, 0, 1} have one right answer in every floating-point type as long as all partial
sums fit, whatever the order of adding: one wrong bit is a fault. For noise the size of the relative error tells
which mode really ran: about 3e-7 for fp32, 3e-4 for TF32 and fp16, 3e-3 for bf16.

How to fix: An error of the size of TF32's in fp32 is a switched mode, not a fault: unset NVIDIA_TF32_OVERRIDE
and look for allow_tf32. Otherwise run it again with --burn 60; if it stays, look for ECC errors (`nvidia-smi -q
-d ECC`), take overclocking and undervolting back, and have the GPU or its memory replaced. Copies between GPUs
that arrive changed point to an IOMMU or PCIe ACS that is not switched off.

Sources: https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html
https://arxiv.org/abs/2102.11245
https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, hardware, ill, names, of_illness, where

explains = ("smoke-did-not-converge",)


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, of_illness("numerics")):
        yield Problem(
            f"{where(trial)} computes wrong results ({names(phases)})",
            hardware(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "Repeat it for a minute; if it stays, the hardware, its clocks or its memory are at fault",
                (
                    f"gpudoctor smoke --burn 60 --python {trial.interpreter} --framework {trial.framework}",
                    "nvidia-smi -q -d ECC,PAGE_RETIREMENT,ROW_REMAPPER",
                ),
            ),
        )
