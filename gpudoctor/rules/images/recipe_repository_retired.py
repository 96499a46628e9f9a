"""A build uses a repository, a key or a tool of NVIDIA's that is gone

What it is: A RUN adds the package source of nvidia-docker, installs nvidia-docker2, calls apt-key, or fetches the signing key that
NVIDIA replaced in April 2022 (7fa2af80), or packages from the closed repository "machine-learning".

Why it hurts: apt-key is gone from Debian 13 and Ubuntu 24.10; the old key no longer signs anything (NO_PUBKEY A4B469963BF863CC); the old repositories answer
with 404 or with packages that nobody mends.

How to tell: The commands of RUN, and the files that ADD fetches.

How to fix: For CUDA: download the cuda-keyring package of the distribution and install it. For the container toolkit: its present
repository with a key in /usr/share/keyrings (signed-by); and it belongs on the host, not into an image.

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html#network-repo-installation-for-ubuntu
https://developer.nvidia.com/blog/updating-the-cuda-linux-gpg-repository-key/
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
https://manpages.debian.org/bookworm/apt/apt-key.8.en.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import commands, place, the_dockerfile

_KEYRING = "Install the package cuda-keyring of the distribution instead"
_TOOLKIT = "Install nvidia-container-toolkit on the host, from libnvidia-container/stable/deb or .../rpm"
#: (what it looks like, its name, whether the build stops, what to do)
_GONE = (
    (re.compile(r"7fa2af80(?:\.pub)?"), "the signing key 7fa2af80 (replaced in 2022)", True, _KEYRING),
    (
        re.compile(r"compute/machine-learning/repos"),
        "the repository machine-learning (closed)",
        True,
        _KEYRING,
    ),
    (
        re.compile(r"nvidia\.github\.io/nvidia-(?:docker|container-runtime)\b"),
        "the repository of nvidia-docker",
        True,
        _TOOLKIT,
    ),
    (re.compile(r"(?<![\w/])nvidia-docker2?(?=[\s=]|$)"), "nvidia-docker", False, _TOOLKIT),
    (
        re.compile(r"\bapt-key\s+(?:adv|add|--keyring)"),
        "apt-key",
        False,
        "Put the key into /usr/share/keyrings and name it with signed-by",
    ),
)


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword not in ("RUN", "ADD"):
                continue
            for line, command in commands(instruction):
                gone = next((g for g in _GONE if g[0].search(command)), None)
                if gone is None:
                    continue
                _, name, stops, instead = gone
                yield Problem(
                    f"{name} is retired",
                    place(dockerfile.path, line),
                    "failure" if stops else "warning",
                    (Evidence(instruction.keyword, command[:200], f"{dockerfile.path}:{line}"),),
                    fix=Fix(instead),
                )
