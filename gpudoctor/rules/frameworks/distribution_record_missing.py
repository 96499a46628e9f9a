"""A package's record of its files is gone

What it is: The package's dist-info has no RECORD, the list of the files that were installed: an installation that was interrupted, a folder
that was copied, or a disk that was full.

Why it hurts: pip can neither upgrade nor remove the package ("Cannot uninstall torch, RECORD file not found"); a newer version is then laid over
the old files, and libraries of two builds meet.

How to tell: The dist-info folder without RECORD, in an environment that pip or uv fills. Packages of a distribution and of conda have records
of their own.

How to fix: Install the same version again over it, without asking pip to remove anything; after that it can be upgraded as usual.

Sources: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
https://pip.pypa.io/en/stable/cli/pip_install/#cmdoption-ignore-installed
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Package
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import packages_of, pip, pythons
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # pip's UninstallMissingRecord, before and after 24.1.
    Signature(r"Cannot uninstall \S+.{0,40}RECORD file (?:was )?not found", 0.85),
    Signature(r"uninstall-no-record-file", 0.9),
)

#: Folders that a distribution's package manager fills.
NOT_PIPS = ("/usr/lib/python3/dist-packages", "/usr/lib/python3.", "/usr/lib64/python3.")


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        for own in packages_of(python):
            if own.installer == "conda" or own.location.startswith(NOT_PIPS):
                continue
            judged = True
            if own.record_missing and not own.editable and not _twin(own, packages_of(python)):
                yield Problem(
                    f"{own.name} {own.version} has no record of its files: pip can't upgrade or remove it",
                    package(python.path, own.name),
                    "note",
                    (Evidence("dist-info without RECORD", f"{own.name} {own.version}", own.location),),
                    fix=Fix(
                        "Install the same version over it",
                        (f"{pip(python)} --ignore-installed --no-deps {own.name}=={own.version}",),
                    ),
                )
    if not judged:
        raise DoesNotApply("no package that pip installed")


def _twin(own: Package, others: tuple[Package, ...]) -> bool:
    """A second record of the same name, whole: duplicate-dist-info then says what is wrong."""
    return any(other.name == own.name and not other.record_missing for other in others)
