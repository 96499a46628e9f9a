"""Frameworks whose build does not fit the machine, or whose packages do not fit each other."""

from __future__ import annotations

from gpudoctor.facts.frameworks import SUPPORTING, Frameworks
from gpudoctor.facts.observed import Known
from gpudoctor.rules.judging import need_or


def not_applicable(frameworks: Frameworks) -> str:
    for python in need_or(frameworks.interpreters, "Python interpreter", ()):
        if python.builds or not isinstance(python.packages, Known):
            return ""
        if not all(package.name.startswith(SUPPORTING) for package in python.packages.value):
            return ""
    return "no framework is installed"
