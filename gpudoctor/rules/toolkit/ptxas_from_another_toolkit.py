"""ptxas or nvlink on PATH belong to another toolkit than nvcc

What it is: PATH finds nvcc in one toolkit, and ptxas, nvlink or fatbinary in another of a different release, because two
toolkits' folders are on PATH and the first lacks some of the programs, or links were made by hand.

Why it hurts: nvcc calls its own ptxas and is not touched. TensorFlow takes ptxas from PATH: code that one release
made is then assembled by another, which fails ("Unsupported .version") or quietly lacks what the newer one fixed.

How to tell: Each program on PATH followed to the toolkit that it lies in.

How to fix: Put the bin folder of one toolkit first on PATH, and take the other out.

Sources: https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#nvcc-profile
https://github.com/openxla/xla/blob/main/xla/stream_executor/cuda/subprocess_compilation.cc
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import takes_ptxas_from_path
from gpudoctor.versions import release


def check(cuda: Cuda, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    tools = [t for t in need(cuda.tools_on_path, "CUDA programs on PATH") if t.selected_by == "PATH"]
    nvcc = next((t for t in tools if t.name == "nvcc"), None)
    others = [t for t in tools if t.name in ("ptxas", "nvlink", "fatbinary", "cudafe++")]
    if nvcc is None or not nvcc.real_path or not others:
        raise DoesNotApply("PATH does not find both nvcc and another program of a toolkit")
    strangers = []
    for tool in others:
        if tool.toolkit == nvcc.toolkit or not tool.real_path:
            continue
        if not isinstance(tool.version, Known) or not isinstance(nvcc.version, Known):
            yield CouldNotTell(f"the version of {tool.path} or of nvcc is not known")
        elif release(tool.version.value) != release(nvcc.version.value):
            strangers.append((tool, tool.version))
    if not strangers or not isinstance(nvcc.version, Known):
        return
    first, version = strangers[0]
    yield Problem(
        f"PATH finds nvcc {release(nvcc.version.value)} and {first.name} {release(version.value)} of another toolkit",
        severity="warning" if takes_ptxas_from_path(frameworks) else "note",
        evidence=(
            Evidence("nvcc", f"{nvcc.path} {nvcc.version.value}", nvcc.real_path),
            *(Evidence(tool.name, f"{tool.path} {said.value}", tool.real_path) for tool, said in strangers),
        ),
        fix=Fix(
            "Put one toolkit first on PATH",
            (f'export PATH="{nvcc.toolkit}/bin${{PATH:+:$PATH}}"',) if nvcc.toolkit else (),
            "unsafe",
        ),
    )
