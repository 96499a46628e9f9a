"""The package has no wheel for this Python

What it is: Compiled packages are published per Python release. There is no build of the wanted package for the Python
that asks, mostly because that Python is too new or has reached its end.

Why it hurts: pip says "Could not find a version that satisfies the requirement torch (from versions: none)", lists other
versions only, or tries to compile from source and fails.

How to tell: No wheel of the release has this Python's tag (cp314) on any index: for torch, TensorFlow and JAX the tables
hold the Pythons of each release.

How to fix: Make an environment with a Python that the release supports: `uv venv --python 3.12`, or conda with
python=3.12.

Sources: https://github.com/pytorch/pytorch/blob/main/RELEASE.md
https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Expectation, Wanted
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package, seen
from gpudoctor.rules.pythons import pythons
from gpudoctor.versions import release


def check(frameworks: Frameworks, expectation: Expectation) -> Iterator[Problem | CouldNotTell]:
    if not expectation.wheels:
        raise DoesNotApply("nothing is to be installed")
    for python in pythons(frameworks):
        if not isinstance(python.version, Known):
            yield CouldNotTell(f"the version of {python.path}")
            continue
        for wheel in expectation.wheels:
            row = _row(wheel)
            if row is None:
                yield CouldNotTell(f"{wheel.package} {wheel.version} is not in the table")
                continue
            if release(python.version.value) in row.pythons:
                continue
            yield Problem(
                f"{wheel.package} {wheel.version} has no wheel for Python {release(python.version.value)}; "
                f"it has them for {', '.join(row.pythons)}",
                subject=package(python.path, wheel.package),
                evidence=(
                    seen("Python", python.version),
                    Evidence(
                        f"wheels of {wheel.package} {wheel.version}", ", ".join(row.pythons), row.source
                    ),
                ),
                fix=Fix(f"Use Python {' or '.join(row.pythons[-2:])}, or another release of {wheel.package}"),
            )


def _row(wheel: Wanted) -> knowledge.FrameworkBuild | None:
    if wheel.package == "torch":
        return knowledge.torch_build(wheel.version, wheel.variant)
    if wheel.package == "tensorflow":
        return knowledge.tensorflow_build(wheel.version)
    return knowledge.jax_build(wheel.package, wheel.version)
