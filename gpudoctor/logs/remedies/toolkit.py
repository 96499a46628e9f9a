"""Remedies for toolkits and compilers."""

from __future__ import annotations

import re

from gpudoctor import knowledge
from gpudoctor.findings import Fix
from gpudoctor.logs.told import Told

#: Capabilities of Jetson and DRIVE, which no card has.
_JETSON = ("3.2", "5.3", "6.2", "7.2", "8.7", "10.1", "11.0")


def nvcc_arch_unsupported(told: Told) -> Fix | None:
    match = re.search(
        r"(?:gpu architecture '(?:compute|sm)_|Value '(?:sm|compute)_)(\d{2,3})", told.text, re.I
    )
    if match is None:
        return None
    capability = f"{match[1][:-1]}.{match[1][-1]}"
    first = knowledge.first_cuda(capability)
    if first is None:
        return None
    here = told.nvcc or next(iter(told.toolkits), "")
    knows = f"CUDA {here} does not know sm_{match[1]}: " if here else ""
    targets = knowledge.toolkit_targets(here) if here else None
    plain = [c for c in targets.sm if not c[-1].isalpha() and c not in _JETSON] if targets else []
    lower = f" or build for {plain[-1]} with PTX until then" if plain else ""
    return Fix(
        f"{knows}CUDA {first} is the first toolkit that does. Install it (or newer) and select it, take the architecture out of "
        f"TORCH_CUDA_ARCH_LIST or CMAKE_CUDA_ARCHITECTURES,{lower or ' or build for an older one with PTX'}",
        (f'export TORCH_CUDA_ARCH_LIST="{plain[-1]}+PTX"',) if plain else (),
    )


def host_compiler_too_new(told: Told) -> Fix | None:
    most = re.search(r"gcc versions later than (\d+)", told.text)
    if most is None:
        return None
    toolkit = re.search(r"/cuda-(\d+\.\d+)/", told.text)
    has = re.search(r"\bg(?:cc|\+\+)(?:\.exe)? ?(?:version |\([^)]*\) )(\d+)\.|gcc-(\d+)\b", told.text)
    mine = next((g for g in has.groups() if g), "") if has else ""
    name = f"CUDA {toolkit[1]}" if toolkit else "This nvcc"
    newer = _accepts(int(mine)) if mine else ""
    upgrade = (
        f"or a toolkit of CUDA {newer} or newer, which accepts gcc {mine}" if newer else "or a newer toolkit"
    )
    return Fix(
        f"{name} accepts gcc up to {most[1]}: install g++-{most[1]} beside the newer one and name it to nvcc, {upgrade}",
        (
            f"sudo apt-get install gcc-{most[1]} g++-{most[1]}",
            f"export NVCC_PREPEND_FLAGS='-ccbin /usr/bin/g++-{most[1]}' CUDAHOSTCXX=/usr/bin/g++-{most[1]}",
        ),
    )


def _accepts(gcc: int) -> str:
    from gpudoctor.knowledge.tables import table

    rows = table("compilers")["rows"]
    return next((row["releases"][0] for row in rows if (row["gcc_max"] or 0) >= gcc), "")


def cuda_home_missing(told: Told) -> Fix | None:
    value = told.variables.get("CUDA_HOME") or told.variables.get("CUDA_PATH") or ""
    colon = re.search(r"'?:(/\S*cuda[\w.-]*)", told.text)
    if value.startswith(":") or colon:
        right = value.strip(":") or (colon[1].rstrip("'/:\"") if colon else "/usr/local/cuda")
        right = right.partition("/bin")[0]
        return Fix(
            "CUDA_HOME is one folder and no list: set it without the colon", (f"export CUDA_HOME={right}",)
        )
    conda = "conda" in told.low
    wanted = told.torch_cuda or ""
    version = f" of CUDA {'.'.join(wanted.split('.')[:2])}" if wanted else ""
    exact = f"cuda-nvcc={'.'.join(wanted.split('.')[:2])}" if wanted else "cuda-nvcc"
    return Fix(
        f"Point CUDA_HOME at the folder above the bin that holds nvcc{version}; where there is none, install a toolkit (the compiler and the headers do)",
        (
            (f"conda install -c nvidia {exact}", "export CUDA_HOME=$CONDA_PREFIX")
            if conda
            else ("ls /usr/local/cuda*/bin/nvcc", "export CUDA_HOME=/usr/local/cuda")
        ),
    )


def nvcc_mismatch_with_torch(told: Told) -> Fix | None:
    match = re.search(
        r"detected CUDA version \((\d+\.\d+)\) mismatches the version that was used to compile\s+PyTorch \((\d+\.\d+)\)",
        told.text,
    )
    if match is None:
        return None
    home = (
        "export CUDA_HOME=$CONDA_PREFIX"
        if "conda" in told.low
        else f"export CUDA_HOME=/usr/local/cuda-{match[2]}"
    )
    variant = _variant(match[1])
    return Fix(
        f"Build with a toolkit of CUDA {match[2]}, which this PyTorch was compiled with: point CUDA_HOME at it (in a conda environment "
        f"that has nvcc: CUDA_HOME=$CONDA_PREFIX)"
        + (f"; or install a PyTorch for CUDA {match[1]} ({variant})" if variant else "")
        + ". Build with --no-build-isolation, or an isolated build takes another PyTorch",
        (
            home,
            *(
                (
                    f"python -m pip install torch --index-url https://download.pytorch.org/whl/{variant}   # instead",
                )
                if variant
                else ()
            ),
        ),
    )


def _variant(cuda: str) -> str:
    """PyTorch's variant for a toolkit: of its release, else of the same major, which its build check accepts."""
    from gpudoctor.rules.pythons import TORCH_VARIANTS

    major, _, minor = cuda.partition(".")
    same = [v for v in TORCH_VARIANTS if v[2:-1] == major]
    return next((v for v in same if v[-1] == minor), "") or next((v for v in same if v[-1] <= minor), "")
