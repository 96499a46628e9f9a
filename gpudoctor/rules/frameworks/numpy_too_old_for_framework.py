"""NumPy is older than the framework allows

What it is: A framework's package names the NumPy that it works with, as a range. The NumPy beside it is below that range:
something else pinned it, or it was installed afterwards.

Why it hurts: pip refuses to install the two together. Where they were forced, the import ends with "module compiled against
API version 0x10 but this version of numpy is 0xe", or with a missing attribute.

How to tell: The framework's requirement (its METADATA) against the version of the NumPy in the same environment.

How to fix: Install a NumPy within the range, and see who pins the old one (`pip check` tells).

Sources: https://numpy.org/devdocs/dev/depending_on_numpy.html
https://github.com/tensorflow/tensorflow/issues/61170
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import package_named, packages_of, pip, pythons, requirements, satisfies

JUDGED = ("torch", "tensorflow", "tensorflow-cpu", "jax", "jaxlib")

explains = ("import-fails",)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        numpy = package_named(python, "numpy")
        if numpy is None:
            continue
        for own in packages_of(python):
            if own.name not in JUDGED or own.installer == "conda":
                continue
            judged = True
            for name, spec, line in requirements(own, python):
                lower = ",".join(part for part in spec.split(",") if part.startswith((">", "~")))
                if name != "numpy" or not lower or satisfies(numpy.version, lower) is not False:
                    continue
                if satisfies(numpy.version, lower.replace("~=", ">=")) is not False:
                    continue  # above a "~=" range: numpy-too-new-for-framework
                yield Problem(
                    f"{own.name} {own.version} wants numpy{spec}, installed is {numpy.version}",
                    subject=package(python.path, own.name),
                    severity="warning",
                    evidence=(
                        Evidence("numpy", numpy.version, numpy.location),
                        Evidence(f"{own.name}'s requirement", line, own.location),
                    ),
                    fix=Fix("Install a NumPy in the range", (f"{pip(python)} 'numpy{spec}'",), "unsafe"),
                )
    if not judged:
        raise DoesNotApply("no framework beside numpy")
