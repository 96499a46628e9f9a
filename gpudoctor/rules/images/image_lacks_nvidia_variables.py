"""The image does not ask for the driver's compute and utility parts

What it is: NVIDIA's runtime reads two variables of an image: NVIDIA_VISIBLE_DEVICES says which GPUs, NVIDIA_DRIVER_CAPABILITIES
which parts of the driver. Images that are built FROM nvidia/cuda have them; one that starts from a distribution has not.

Why it hurts: Without NVIDIA_VISIBLE_DEVICES an engine whose default runtime is nvidia (Kubernetes, compose files with
`runtime: nvidia`) gives the container no GPU. Without `compute` in the capabilities CUDA finds no driver, without `utility`
nvidia-smi and NVML are missing. Unset capabilities mean "compute,utility" in current toolkits.

How to tell: The variables of the image's configuration.

How to fix: In the last stage: ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility (and video, graphics,
display as needed).

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
https://github.com/NVIDIA/nvidia-docker/issues/1226
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.containers._shared import asks_for_gpus
from gpudoctor.rules.images._image import the_config

DEVICES, CAPABILITIES = "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"
_NEEDED = ("compute", "utility")


def check(image: Image) -> Iterator[Problem]:
    env = the_config(image).env
    devices, capabilities = env.get(DEVICES), env.get(CAPABILITIES)
    given = {word.strip().lower() for word in (capabilities or "").split(",") if word.strip()}
    missing = [] if "all" in given else [word for word in _NEEDED if word not in given]
    hidden = devices is None or not asks_for_gpus(devices)
    if not hidden and not missing:
        return
    parts = [f"{DEVICES} is {_said(devices)}"] if hidden else []
    if missing:
        parts.append(
            f"{CAPABILITIES} {'lacks ' + ' and '.join(missing) if given else 'is ' + _said(capabilities)}"
        )
    wrong = bool(given and missing) or (devices is not None and hidden)
    wanted = ",".join(dict.fromkeys([*sorted(given), *_NEEDED])) if "all" not in given else "all"
    yield Problem(
        "; ".join(parts),
        # What is not set the engine's --gpus and CDI make good; what is set wrongly, nothing does.
        severity="failure" if wrong else "warning",
        evidence=(
            Evidence(DEVICES, _said(devices), "the image's ENV"),
            Evidence(CAPABILITIES, _said(capabilities), "the image's ENV"),
        ),
        fix=Fix(
            "Set both in the last stage of the Dockerfile", (f"ENV {DEVICES}=all {CAPABILITIES}={wanted}",)
        ),
    )


def _said(value: str | None) -> str:
    return "not set" if value is None else value or "empty"
