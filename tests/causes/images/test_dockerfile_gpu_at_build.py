"""dockerfile-gpu-at-build."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-gpu-at-build"


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("RUN nvidia-smi", 2),
        ("RUN apt-get update && \\\n    # why\n    /usr/bin/nvidia-smi -L", 4),
        ("RUN <<EOF\nset -e\nnvidia-smi\nEOF", 4),
        ('RUN python3 -c "import torch; assert torch.cuda.is_available()"', 2),
        ("RUN python3 -c 'import torch; torch.zeros(1).cuda()'", 2),
    ],
)
def test_a_step_that_asks_for_the_gpu(tmp_path: Path, step: str, line: int) -> None:
    assert found(tmp_path, f"{CUDA}{step}\n{END}") == {CAUSE: [line]}


@pytest.mark.parametrize(
    "step",
    [
        "CMD nvidia-smi",
        "RUN command -v nvidia-smi",
        "RUN nvidia-smi || true",
        'RUN python3 -c "import torch; print(torch.cuda.is_available())"',
        'RUN python3 -c "import torch; assert torch.backends.cuda.is_built()"',
        "RUN echo 'run nvidia-smi to see the GPU' > /etc/motd",
        "RUN --device=nvidia.com/gpu=all nvidia-smi",
    ],
)
def test_a_step_that_does_not_need_it(tmp_path: Path, step: str) -> None:
    assert found(tmp_path, f"{CUDA}{step}\n{END}") == {}
