"""Processes of the image run as root

What it is: The image names no USER, or root. Its processes are uid 0 in the container.

Why it hurts: Whatever breaks out of the program, a pickled model among the usual ways, owns all of the container and the
host's mounted folders; files that it writes there belong to root. Clusters that demand `runAsNonRoot` refuse to start it.

How to tell: USER in the image's configuration.

How to fix: RUN useradd --create-home app, then USER app in the last stage. GPUs need no root: the device nodes
are open to all.

Sources: https://docs.docker.com/build/building/best-practices/#user
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import the_config, the_image
from gpudoctor.rules.judging import need


def check(image: Image) -> Iterator[Problem]:
    config = the_config(image)
    account = need(the_image(image).account, "user of the image")
    if account.uid != 0:
        return
    yield Problem(
        "the image runs as root",
        severity="warning",
        evidence=(Evidence("USER", config.user or "not set", "the image's configuration"),),
        fix=Fix(
            "Make a user and change to it in the last stage",
            ("RUN useradd --create-home app", "USER app"),
        ),
    )
