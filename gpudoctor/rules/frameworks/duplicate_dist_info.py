"""One package has two records of installation

What it is: A site folder holds two .dist-info folders of one name and different versions. An upgrade was interrupted, or
two installers (pip and a system package manager, pip and a copied folder) wrote there.

Why it hurts: pip, importlib.metadata and everything that reads versions from there may name a version that is not the
one that is imported; pip can't uninstall or upgrade the package cleanly any more.

How to tell: The names of the .dist-info folders.

How to fix: Uninstall the package until pip says that it is not installed, then install it once.

Sources: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
https://github.com/pypa/pip/issues/4628
https://github.com/pypa/pip/issues/2235
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.findings import Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import packages_of, pip, pythons


def check(frameworks: Frameworks) -> Iterator[Problem]:
    for python in pythons(frameworks):
        found: dict[tuple[str, str], list[str]] = {}
        for own in packages_of(python):
            if own.installer != "conda" and own.version not in found.setdefault((own.location, own.name), []):
                found[own.location, own.name].append(own.version)
        for (location, name), versions in found.items():
            if len(versions) < 2:
                continue
            yield Problem(
                f"{name} is recorded as installed in {len(versions)} versions: {', '.join(versions)}",
                subject=package(python.path, name),
                severity="warning",
                evidence=tuple(Evidence(f"{name}'s dist-info", version, location) for version in versions),
                fix=Fix(
                    "Uninstall it as often as it is recorded, then install it once",
                    (
                        *(f"{python.path} -m pip uninstall -y {name}" for _ in versions),
                        f"{pip(python)} {name}=={versions[-1]}",
                    ),
                    "unsafe",
                ),
            )
