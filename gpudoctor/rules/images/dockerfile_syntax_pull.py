"""The build needs a frontend from a registry

What it is: The first line asks for a frontend (`# syntax=docker/dockerfile:1`). BuildKit has one built in that reads everything which
is not experimental; the line makes it pull another image at every build.

Why it hurts: Without the registry (a closed network, a rate limit, a proxy) the build fails before its first step: "failed to resolve
source metadata for docker.io/docker/dockerfile".

How to tell: The directive in the first lines.

How to fix: Remove the line, unless the build needs what only a newer frontend has (-labs).

Sources: https://docs.docker.com/build/buildkit/frontend/
https://docs.docker.com/reference/dockerfile/#syntax
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import place, the_dockerfile


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    if not dockerfile.syntax:
        return
    if "labs" in dockerfile.syntax:
        raise DoesNotApply("an experimental frontend is asked for, which is not built in")
    yield Problem(
        f"the build pulls {dockerfile.syntax} from a registry first",
        place(dockerfile.path, dockerfile.syntax_line),
        "note",
        (Evidence("syntax", dockerfile.syntax, f"{dockerfile.path}:{dockerfile.syntax_line}"),),
        fix=Fix("Remove the line: BuildKit's own frontend reads this file"),
    )
