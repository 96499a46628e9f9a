"""compose-gpu-not-requested."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import composed

CAUSE = "compose-gpu-not-requested"
IMAGE = "nvidia/cuda:12.4.1-base-ubuntu22.04"


@pytest.mark.parametrize(
    "service", [f"image: {IMAGE}", "image: x\n    environment: [NVIDIA_VISIBLE_DEVICES=all]"]
)
def test_a_gpu_service_without_a_gpu(tmp_path: Path, service: str) -> None:
    assert composed(tmp_path, f"services:\n  a:\n    {service}\n") == {CAUSE: [3]}


@pytest.mark.parametrize(
    "service",
    [
        f"image: {IMAGE}\n    gpus: all",
        f"image: {IMAGE}\n    environment: {{NVIDIA_VISIBLE_DEVICES: none}}",
        f"image: {IMAGE}\n    devices: [nvidia.com/gpu=all]",
        "image: postgres:17",
    ],
)
def test_asked_for_or_not_wanted(tmp_path: Path, service: str) -> None:
    assert composed(tmp_path, f"services:\n  a:\n    {service}\n") == {}
