"""A build installs a driver into the image

What it is: A RUN installs a package that brings NVIDIA's driver: nvidia-driver-550, cuda-drivers, libnvidia-compute-*, nvidia-utils-*, or the
meta-packages `cuda` and `cuda-12-4`, which depend on it; or it runs a .run file without --toolkit.

Why it hurts: The driver belongs to the host, whose kernel module must be of the same version. The copy in the image is found before
the mounted one or beside it: "driver/library version mismatch", error 803; and the image grows by a gigabyte.

How to tell: Names of packages in the install commands of RUN.

How to fix: cuda-toolkit-12-4 for compiling, cuda-libraries-12-4 for running, cuda-compat-12-4 only where the host's driver is known
to be older; sh cuda_*.run --silent --toolkit.

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html#meta-packages
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import APT, place, runs, the_dockerfile

_PACKAGE = re.compile(
    r"(?<![\w./-])(?:nvidia-(?:driver|utils|dkms|headless|open|kernel|smi|legacy)(?:-[\w.-]+)?|cuda-drivers(?:-[\w.-]+)?|"
    r"libnvidia-(?:compute|gl|decode|encode|ml1|cfg1)[\w.-]*|libcuda1|cuda(?:-\d+-\d+)?)(?=[\s=]|$)"
)
_RUNFILE = re.compile(r"\b(?:cuda_[\w.]+_linux\S*\.run|NVIDIA-Linux-\S+\.run)\b")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    for stage in dockerfile.stages:
        for _, line, command in runs(stage):
            install = APT.search(command)
            package = _PACKAGE.search(command, install.end()) if install else None
            runfile = _RUNFILE.search(command)
            fetches = re.match(r"(?:curl|wget|rm|chmod|mv|cp)\b", command)
            if runfile and (fetches or "--toolkit" in command or "--extract" in command):
                runfile = None
            found = package or runfile
            if found is None:
                continue
            yield Problem(
                f"{found[0]} brings a driver into the image",
                place(dockerfile.path, line),
                evidence=(Evidence("RUN", command[:200], f"{dockerfile.path}:{line}"),),
                fix=Fix(_instead(found[0])),
            )


def _instead(name: str) -> str:
    if name.endswith(".run"):
        return "Add --silent --toolkit; the driver comes from the host"
    release = re.fullmatch(r"cuda-(\d+-\d+)", name)
    if name == "cuda" or release:
        end = f"-{release[1]}" if release else "-12-4 (with the release)"
        return f"Install cuda-toolkit{end} to compile, or cuda-libraries{end} to run"
    return "Leave it out: the engine mounts the host's driver"
