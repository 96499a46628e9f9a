"""The machine that a text tells of: partial facts for the same rules that judge a live machine.

A module for each group of facts. Its `told` gives the group and the causes that what was found may decide: others need not
be judged. What is not told stays Unknown, so a rule that needs it is skipped and says nothing. Every value's `via` is "the text".
"""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record
from gpudoctor.logs.told import Told


class Weight(Record):
    """How sure a rule's judgement of such facts makes us: of a failure, and of a warning, which counts only where the text
    complains. 0: it does not count. `asked`: neither counts without a complaint, for the state may be meant."""

    failure: float = 0.8
    warning: float = 0.0
    asked: bool = False


#: The causes that facts from a text decide. Others need what no text tells.
DECIDED: dict[str, Weight] = {
    "driver-too-old-for-runtime": Weight(),
    "wheel-lacks-gpu-arch": Weight(),
    "gpu-too-old-for-toolkit": Weight(),
    "torchvision-torchaudio-mismatch": Weight(),
    "nvcc-arch-unsupported": Weight(),
    "gpu-fell-off-bus": Weight(),
    "gpu-init-failed": Weight(),
    "ecc-uncorrectable": Weight(),
    "xid-119-gsp-timeout": Weight(),
    "driver-branch-dropped-gpu": Weight(),
    "driver-proprietary-module-required": Weight(),
    "driver-open-module-required": Weight(),
    # devices
    "gpu-exclusive-mode": Weight(0.75, asked=True),
    "gpu-memory-nearly-full": Weight(0.6, 0.6, asked=True),
    "mig-without-instances": Weight(),
    "gpu-requires-reset": Weight(),
    "row-remap-failed": Weight(0.85),
    "retired-pages-pending": Weight(0.6, 0.55),
    "pcie-link-degraded": Weight(0.6, 0.55, asked=True),
    "gpu-thermal-slowdown": Weight(0.7, 0.6, asked=True),
    "gpu-power-brake": Weight(0.7, 0.6, asked=True),
    "nvlink-fabric-manager": Weight(),
    "visible-devices-hidden": Weight(0.75, asked=True),
    "environment-variable-harmful": Weight(0.7, 0.5, asked=True),
    # driver
    "nouveau-active": Weight(),
    "gpu-bound-to-vfio": Weight(0.8, 0.6, asked=True),
    "no-nvidia-gpu": Weight(0.7, asked=True),
    "driver-not-installed": Weight(0.75, asked=True),
    "kernel-module-not-loaded": Weight(0.75, asked=True),
    "dkms-build-failed": Weight(0.8, 0.6),
    "kernel-headers-missing": Weight(),
    "wsl-linux-driver-installed": Weight(0.8, 0.5, asked=True),
    "driver-half-installed": Weight(0.6, 0.6, asked=True),
    # Python
    "cpu-only-wheel": Weight(0.8, 0.65, asked=True),
    "jax-cpu-only-jaxlib": Weight(0.8, 0.65, asked=True),
    "jax-plugin-mismatch": Weight(0.75, asked=True),
    "duplicate-distributions": Weight(0.75, asked=True),
    "keras-tensorflow-mismatch": Weight(0.7, asked=True),
    "numpy-too-new-for-framework": Weight(0.6, 0.55, asked=True),
    "triton-torch-mismatch": Weight(0.55, 0.5, asked=True),
    "tf-gpu-on-windows-unsupported": Weight(0.8, asked=True),
    "wrong-accelerator-build": Weight(0.75, 0.55, asked=True),
    "framework-cuda-version-mismatch": Weight(0.7, asked=True),
    # containers
    "container-docker-snap-or-desktop": Weight(0.75, 0.65, asked=True),
    "container-toolkit-missing": Weight(0.75, 0.65, asked=True),
    "container-runtime-not-registered": Weight(0.75, 0.65, asked=True),
}


class Hearsay(Record):
    """`causes`: those that the facts of `machine` may decide."""

    machine: Machine
    causes: frozenset[str]


def machine_told(told: Told) -> Hearsay | None:
    """None when the text tells no fact that a rule could judge."""
    from gpudoctor.logs.hearsay import containers, cuda, driver, environment, gpu, host, libraries, python

    groups: dict[str, object] = {}
    causes: set[str] = set()
    for name, module in (
        ("gpu", gpu),
        ("host", host),
        ("driver", driver),
        ("frameworks", python),
        ("cuda", cuda),
        ("libraries", libraries),
        ("environment", environment),
        ("containers", containers),
    ):
        groups[name], decided = module.told(told)
        causes.update(decided)
    return Hearsay(Machine().replace(**groups), frozenset(causes)) if causes else None
