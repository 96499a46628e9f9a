"""CUDA code is compiled in a build that doesn't say for which GPUs

What it is: A RUN compiles an extension for PyTorch (flash-attn, apex, a setup.py with CUDAExtension). Without
TORCH_CUDA_ARCH_LIST the compiler asks the GPU of the machine, and a build has none.

Why it hurts: The build ends with "IndexError: list index out of range" in _get_cuda_arch_flags, or compiles for every GPU that PyTorch
knows, which takes hours and memory; or for too few, and fails on the GPU with "no kernel image".

How to tell: pip installs an extension that is known to compile from source, or runs a setup.py, in an image with nvcc (a devel image),
and no ENV or ARG before it sets TORCH_CUDA_ARCH_LIST.

How to fix: ENV TORCH_CUDA_ARCH_LIST="8.0;8.6;9.0+PTX" with the GPUs that it is for, and MAX_JOBS for the memory that there is.

Sources: https://docs.pytorch.org/docs/stable/cpp_extension.html
https://github.com/pytorch/extension-cpp/issues/71
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import PIP, base_of, place, runs, the_dockerfile

NAME = "TORCH_CUDA_ARCH_LIST"
_COMPILES = re.compile(
    r"(?<![\w/.-])(?:flash[-_]attn|apex|xformers|detectron2|pytorch3d|mmcv(?:-full)?|causal[-_]conv1d|mamba[-_]ssm|"
    r"torch[-_]scatter|torch[-_]sparse|gsplat|diff-gaussian-rasterization|nvdiffrast|tiny-cuda-nn|MinkowskiEngine)(?=[\s=<>~!@\"']|$)"
)
_SETUP = re.compile(r"python3?\S*\s+setup\.py\s+(?:install|build|develop|bdist_wheel|build_ext)")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    devel = [s for s in dockerfile.stages if "devel" in base_of(dockerfile, s)]
    if not devel:
        raise DoesNotApply("no stage with nvcc")
    for stage in devel:
        if NAME in stage.env:
            continue
        known = {
            word.partition("=")[0]
            for s in dockerfile.lineage(stage)
            for i in s.instructions
            if i.keyword == "ARG"
            for word in i.raw.split()
        }
        for instruction, line, command in runs(stage):
            compiles = _SETUP.search(command) or (PIP.search(command) and _COMPILES.search(command))
            if not compiles or NAME in known or NAME in instruction.text:
                continue
            yield Problem(
                f"this compiles CUDA code, and {NAME} is not set",
                place(dockerfile.path, line),
                "warning",
                (Evidence("RUN", command[:200], f"{dockerfile.path}:{line}"),),
                fix=Fix("Name the GPUs before it", (f'ENV {NAME}="8.0;8.6;9.0+PTX"',)),
            )
