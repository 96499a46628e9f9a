"""Which Python runs: environments, kernels, and what lies in front of the installed packages."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known


def not_applicable(frameworks: Frameworks, expectation: Expectation) -> str:
    """No Python here has a framework or something in front of one, no Jupyter kernel is there, and nothing is to be installed."""
    if expectation.wheels or not isinstance(frameworks.interpreters, Known):
        return ""
    if not isinstance(frameworks.kernels, Known) or frameworks.kernels.value:
        return ""
    for python in frameworks.interpreters.value:
        if not isinstance(python.packages, Known) or python.builds or python.shadows:
            return ""
    return "no framework is installed, and no Jupyter kernel is there"
