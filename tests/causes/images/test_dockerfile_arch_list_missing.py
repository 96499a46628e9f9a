"""dockerfile-arch-list-missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-arch-list-missing"
BASE = "FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS build\n"
LAST = f"{CUDA}{END}"


@pytest.mark.parametrize(
    "step", ["RUN pip install --no-build-isolation flash-attn==2.7.4", "RUN python setup.py install"]
)
def test_an_extension_is_compiled_for_whatever_is_there(tmp_path: Path, step: str) -> None:
    assert found(tmp_path, f"{BASE}{step}\n{LAST}") == {CAUSE: [2]}


@pytest.mark.parametrize(
    "step",
    [
        'ENV TORCH_CUDA_ARCH_LIST="8.0;9.0+PTX"\nRUN pip install flash-attn',
        "ARG TORCH_CUDA_ARCH_LIST=8.6\nRUN pip install flash-attn",
        "RUN TORCH_CUDA_ARCH_LIST=8.6 pip install flash-attn",
        "RUN pip install numpy",
    ],
)
def test_with_a_list_it_is_well(tmp_path: Path, step: str) -> None:
    assert found(tmp_path, f"{BASE}{step}\n{LAST}") == {}


def test_without_nvcc_nothing_is_compiled(tmp_path: Path) -> None:
    assert found(tmp_path, f"{CUDA}RUN pip install xformers\n{END}") == {}
