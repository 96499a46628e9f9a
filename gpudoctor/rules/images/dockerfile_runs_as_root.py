"""The last stage ends as root

What it is: No USER in the last stage, or in a stage that it stands on, is another user than root.

Why it hurts: Whatever breaks out of the program owns the container and the host's mounted folders; files that it writes there
belong to root; clusters that demand `runAsNonRoot` refuse the image.

How to tell: The last USER. A base image that sets a user of its own is not known here; `gpudoctor image verify` sees it.

How to fix: RUN useradd --create-home app, and USER app.

Sources: https://docs.docker.com/build/building/best-practices/#user
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import base_of, kind_of, place, the_dockerfile


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    lineage = dockerfile.lineage(dockerfile.last)
    users = [i for stage in reversed(lineage) for i in stage.instructions if i.keyword == "USER"]
    if not users and kind_of(base_of(dockerfile, dockerfile.last)) == "unknown":
        raise DoesNotApply("no USER here, and that of the base is not known")
    user = users[-1].text.strip().partition(":")[0] if users else ""
    if user not in ("", "0", "root"):
        return
    line = users[-1].line if users else dockerfile.last.line
    yield Problem(
        "the image will run as root",
        place(dockerfile.path, line),
        "note",
        (Evidence("USER", user or "not set in the last stage", f"{dockerfile.path}:{line}"),),
        fix=Fix("Make a user and change to it", ("RUN useradd --create-home app", "USER app")),
    )
