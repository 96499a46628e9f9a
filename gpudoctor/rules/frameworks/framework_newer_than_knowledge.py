"""The framework is newer than what this tool knows

What it is: The tables of this tool, which say what frameworks were built with and what belongs together, end before the
release that is installed.

Why it hurts: Nothing is broken. Judgements that need the tables are skipped for this framework; those that read the
framework's own files are not.

How to tell: The installed version against the newest in the table.

How to fix: Update gpudoctor when a newer release of it is there.

Sources: docs/knowledge.md of gpudoctor
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.findings import Evidence, Problem
from gpudoctor.rules.pythons import installed, is_release, public, subject
from gpudoctor.versions import at_least, release

FRAMEWORKS = ("torch", "tensorflow", "jax")


def check(frameworks: Frameworks) -> Iterator[Problem]:
    for python, build in installed(frameworks, *FRAMEWORKS):
        newest = knowledge.newest(build.framework)
        if not is_release(build.version) or at_least(newest.value, release(public(build.version))):
            continue
        yield Problem(
            f"{build.framework} {build.version} is newer than the tables, which end at {newest.value}",
            subject=subject(python, build),
            severity="note",
            evidence=(
                Evidence("installed", build.version, build.location),
                Evidence("newest in the table", newest.value, f"looked up on {newest.checked}"),
            ),
        )
