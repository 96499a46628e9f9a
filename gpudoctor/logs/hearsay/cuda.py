"""The CUDA toolkit of a text, as `nvcc --version` names it."""

from __future__ import annotations

from gpudoctor.facts.cuda import Cuda, Selection, Tool, Toolkit
from gpudoctor.facts.observed import Known
from gpudoctor.logs.told import Told

VIA = "the text"


def told(told: Told) -> tuple[Cuda, tuple[str, ...]]:
    if not told.nvcc:
        return Cuda(), ()
    tool = Tool("nvcc", "nvcc", Known(told.nvcc, VIA))
    name = "the toolkit in the text"
    toolkit = Toolkit(name, name, release=Known(told.nvcc, VIA), tools=(tool,))
    selected = Selection("PATH", "nvcc", Known(toolkit.prefix, VIA))
    return Cuda(toolkits=Known((toolkit,), VIA), selections=Known((selected,), VIA)), (
        "nvcc-arch-unsupported",
    )
