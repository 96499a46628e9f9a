"""The last stage sets no NVIDIA_* variables, and its base has none

What it is: The image gets a framework with GPU code, starts from a plain distribution, and no ENV of its last stage sets
NVIDIA_VISIBLE_DEVICES and NVIDIA_DRIVER_CAPABILITIES. Variables of an earlier stage do not come along with COPY --from.

Why it hurts: An engine whose default runtime is nvidia gives the container no GPU. It works with `docker run --gpus all`, so it
is found in the cluster only.

How to tell: ENV lines of the last stage and of the stages that it stands on, where the base is a distribution or a Python image.

How to fix: ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility in the last stage.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
https://github.com/NVIDIA/nvidia-docker/issues/1226
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import base_of, installs_framework, kind_of, place, the_dockerfile

NAMES = ("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    base = base_of(dockerfile, dockerfile.last)
    if kind_of(base) != "plain":
        raise DoesNotApply(f"what {base} sets is not known, or it sets them")
    found = next((f for stage in dockerfile.stages if (f := installs_framework(stage))), None)
    if found is None:
        raise DoesNotApply("no framework with GPU code is installed in it")
    missing = [name for name in NAMES if name not in dockerfile.last.env]
    if not missing:
        return
    yield Problem(
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set in the last stage",
        place(dockerfile.path, dockerfile.last.line),
        "warning",
        (
            Evidence(
                "last stage", f"FROM {dockerfile.last.base}", f"{dockerfile.path}:{dockerfile.last.line}"
            ),
            Evidence("installs", found[1], f"{dockerfile.path}:{found[0]}"),
        ),
        fix=Fix(
            "Set them there", ("ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility",)
        ),
    )
