"""Fixes with a text's own numbers: which release, which variant, which package, worked out from what it tells.

A cause's page says how it is mended in general, a signature what its match shows. A remedy knows all that is told (`Told`) and
the tables: "driver 470.82 runs CUDA up to 11.4; torch 2.5.1 needs 12.4: install driver 525.60.13 or newer, or the cu118 wheel".
One function a cause, in a module for its family; it gives None where the text does not tell enough, and then the page
speaks. A new remedy: a function, and its line in `REMEDIES`.
"""

from __future__ import annotations

import importlib

from gpudoctor.findings import Fix
from gpudoctor.logs.told import Told

#: Cause -> module of this package that has the function of the cause's name.
REMEDIES = {
    "driver-too-old-for-runtime": "driver",
    "driver-library-mismatch": "driver",
    "dkms-build-failed": "driver",
    "kernel-module-not-loaded": "driver",
    "forward-compat-unsupported": "driver",
    "ptx-newer-than-driver": "driver",
    "nouveau-active": "driver",
    "uvm-not-working": "driver",
    "gpu-init-failed": "driver",
    "nvlink-fabric-manager": "driver",
    "gpu-fell-off-bus": "driver",
    "harmless": "verdicts",
    "not-gpu-environment": "verdicts",
    "cpu-only-wheel": "frameworks",
    "wheel-lacks-gpu-arch": "frameworks",
    "gpu-too-old-for-toolkit": "frameworks",
    "torchvision-torchaudio-mismatch": "frameworks",
    "abi-mismatch-extension": "frameworks",
    "jax-cpu-only-jaxlib": "frameworks",
    "python-version-no-wheel": "frameworks",
    "pip-index-missing": "frameworks",
    "tensorrt-engine-mismatch": "frameworks",
    "wrong-env-or-kernel": "frameworks",
    "framework-cuda-version-mismatch": "libraries",
    "libcudart-missing": "libraries",
    "cudnn-version-mismatch": "libraries",
    "cudnn-missing": "libraries",
    "cudnn-shadowed-by-ld-library-path": "libraries",
    "libdevice-not-found": "libraries",
    "glibc-too-old": "libraries",
    "nvcc-arch-unsupported": "toolkit",
    "host-compiler-too-new": "toolkit",
    "cuda-home-missing": "toolkit",
    "nvcc-mismatch-with-torch": "toolkit",
    "container-no-gpu-flag": "containers",
    "container-requirement-unsatisfied": "containers",
    "container-driver-capabilities": "containers",
    "container-runtime-not-registered": "containers",
    "visible-devices-hidden": "memory",
    "out-of-memory": "memory",
    "oom-fragmentation": "memory",
}


def remedy(cause: str, told: Told) -> Fix | None:
    if cause not in REMEDIES:
        return None
    module = importlib.import_module(f"{__name__}.{REMEDIES[cause]}")
    found: Fix | None = getattr(module, cause.replace("-", "_"))(told)
    return found.replace(id=cause) if found else None
