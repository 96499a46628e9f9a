"""dockerfile-cuda-twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-cuda-twice"
RUNTIME = "FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\n"


@pytest.mark.parametrize("package", ["torch", "'tensorflow[and-cuda]==2.18.0'", '"jax[cuda12]"'])
def test_wheels_with_cuda_over_cuda(tmp_path: Path, package: str) -> None:
    assert found(tmp_path, f"{RUNTIME}RUN pip install {package}\n{END}") == {CAUSE: [2]}


@pytest.mark.parametrize(
    "text",
    [
        f"{RUNTIME}RUN pip install tensorflow==2.18.0\n",
        f"{CUDA}RUN pip install torch\n",
        f"{RUNTIME}RUN pip install torch --index-url https://download.pytorch.org/whl/cpu\n",
    ],
)
def test_once_is_well(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text + END) == {}
