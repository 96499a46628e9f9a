"""CUDA toolkits: which one is taken, whether it is whole, and whether it fits GPU, driver, frameworks and compiler."""

from __future__ import annotations

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.observed import Known


def not_applicable(cuda: Cuda, frameworks: Frameworks) -> str:
    """No toolkit, nothing that names one, no ptxas, and no package that would want one."""
    nothing = all(
        isinstance(found, Known) and not found.value
        for found in (cuda.toolkits, cuda.selections, cuda.tools_on_path)
    )
    if not nothing or isinstance(cuda.compiled, Known) or not isinstance(frameworks.interpreters, Known):
        return ""
    from gpudoctor.rules.toolkit._view import builders

    return "" if builders(frameworks) else "no CUDA toolkit, and nothing that names or needs one"
