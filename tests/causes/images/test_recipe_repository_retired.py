"""recipe-repository-retired."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found, one

CAUSE = "recipe-repository-retired"
URL = "https://developer.download.nvidia.com/compute"


@pytest.mark.parametrize(
    ("step", "severity"),
    [
        (f"RUN apt-key adv --fetch-keys {URL}/cuda/repos/ubuntu2004/x86_64/7fa2af80.pub", "failure"),
        (f"ADD {URL}/cuda/repos/ubuntu2004/x86_64/7fa2af80.pub /key", "failure"),
        (
            f"RUN echo 'deb {URL}/machine-learning/repos/ubuntu2004/x86_64 /' > /etc/apt/sources.list.d/ml.list",
            "failure",
        ),
        (
            "RUN curl -s https://nvidia.github.io/nvidia-docker/ubuntu22.04/nvidia-docker.list -o /l",
            "failure",
        ),
        ("RUN apt-get install -y nvidia-docker2", "warning"),
        ("RUN curl -fsSL https://example.com/key | apt-key add -", "warning"),
    ],
)
def test_what_is_gone(tmp_path: Path, step: str, severity: str) -> None:
    assert found(tmp_path, f"{CUDA}{step}\n{END}") == {CAUSE: [2]}
    assert one(tmp_path, f"{CUDA}{step}\n{END}", CAUSE).severity == severity


@pytest.mark.parametrize(
    "step",
    [
        f"RUN curl -O {URL}/cuda/repos/ubuntu2204/x86_64/cuda-keyring_1.1-1_all.deb && dpkg -i cuda-keyring_1.1-1_all.deb",
        "RUN curl -s https://nvidia.github.io/libnvidia-container/stable/deb/nvidia-container-toolkit.list -o /l",
        "COPY nvidia-docker.md /doc/",
    ],
)
def test_what_is_current(tmp_path: Path, step: str) -> None:
    assert found(tmp_path, f"{CUDA}{step}\n{END}") == {}
