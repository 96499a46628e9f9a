"""A retired repository of NVIDIA's container tools is in use

What it is: The package sources of nvidia-docker, of nvidia-container-runtime, and the per-distribution ones of
libnvidia-container are retired; the toolkit comes from one repository for all distributions now
(libnvidia-container/stable/deb and .../rpm). The nvidia-docker project itself is archived.

Why it hurts: The container toolkit gets no updates any more, security fixes among them, or `apt-get update` fails.

How to tell: The URLs in apt's, dnf's and zypper's package sources.

How to fix: Remove the old source and add the present one; keep the key in a file of its own (signed-by), as apt-key is
gone.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
https://github.com/NVIDIA/nvidia-docker
https://github.com/kubernetes/kops/pull/16387
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

_PRESENT = re.compile(r"/libnvidia-container/(?:stable|experimental)/(?:deb|rpm)\b")


signatures: tuple[Signature | str, ...] = (
    Signature(
        r"nvidia\.github\.io/nvidia-docker",
        0.8,
        needs=(
            r"404 Not Found|NO_PUBKEY|does not have a Release file|not signed|expired|EXPKEYSIG|apt-key is deprecated|Unsupported distribution",
        ),
    ),
    Signature(r"NO_PUBKEY (?:A4B469963BF863CC|DDCAE044F796ECB0|F60F4B3D7FA2AF80)", 0.88),
)


def check(containers: Containers) -> Iterator[Problem]:
    sources = need_or(containers.repositories, "package sources", ())
    if not sources:
        raise DoesNotApply("no package source of NVIDIA's container tools")
    for source in sources:
        if _PRESENT.search(source.url):
            continue
        file = source.place.rpartition(":")[0]
        replaced = any(_PRESENT.search(other.url) for other in sources)
        yield Problem(
            f"{file} takes the container tools from a retired repository",
            Subject("file", source.place, source.place),
            "note" if replaced else "warning",
            (Evidence("source", source.url, source.place),),
            fix=Fix(
                "Remove it"
                if replaced
                else "Remove it, and add the present repository (see the install guide)",
                (f"sudo rm {file}",) if file.endswith((".list", ".repo")) else (),
                "unsafe" if replaced and file.endswith(".list") else "manual",
            ),
        )
