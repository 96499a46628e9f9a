"""LD_LIBRARY_PATH was set without the folders of the driver

What it is: NVIDIA's images set LD_LIBRARY_PATH to /usr/local/nvidia/lib:/usr/local/nvidia/lib64, where device plugins of
Kubernetes (GKE's among them) and older runtimes mount the driver. This image sets LD_LIBRARY_PATH to something else and
leaves them out.

Why it hurts: On such hosts libcuda is in the container and no program finds it: "Found no NVIDIA driver on your system". With
Docker on a workstation the same image works, because there the driver is mounted into the system's library folder.

How to tell: The variable in the image's configuration.

How to fix: Put the image's own folders before the value that was there: ENV LD_LIBRARY_PATH=/opt/x/lib:${LD_LIBRARY_PATH}; or leave the
variable alone, and name the folders in /etc/ld.so.conf.d.

Sources: https://gitlab.com/nvidia/container-images/cuda
https://cloud.google.com/kubernetes-engine/docs/how-to/gpus#cuda
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.images._image import the_config

NAME = "LD_LIBRARY_PATH"
FOLDERS = ("/usr/local/nvidia/lib", "/usr/local/nvidia/lib64")


def check(image: Image) -> Iterator[Problem]:
    value = the_config(image).env.get(NAME, "")
    if not value:
        raise DoesNotApply(f"{NAME} is not set in the image")
    has = {part.rstrip("/") for part in value.split(":")}
    missing = [folder for folder in FOLDERS if folder not in has]
    if not missing:
        return
    whole = ":".join([*(part for part in value.split(":") if part), *missing])
    yield Problem(
        f"{NAME} leaves out {' and '.join(missing)}, where some hosts mount the driver",
        Subject("variable", NAME, NAME, MACHINE),
        "warning",
        (Evidence(NAME, value, "the image's ENV"),),
        fix=Fix("Keep the driver's folders on it", (f"ENV {NAME}={whole}",)),
    )
