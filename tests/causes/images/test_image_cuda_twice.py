"""image-cuda-twice."""

from __future__ import annotations

from pathlib import Path

from tests.images import causes, cuda_wheels, debian, system_cache, system_cuda, tensorflow, venv

WITH_WHEELS = {**venv(), **tensorflow(), **cuda_wheels()}


def test_wheels_over_a_runtime_image(tmp_path: Path) -> None:
    assert causes(tmp_path, [debian(system_cache()), system_cuda(), WITH_WHEELS]) == {"image-cuda-twice"}


def test_wheels_over_a_base_image_that_has_cudart_alone(tmp_path: Path) -> None:
    cudart = {path: data for path, data in system_cuda().items() if "cudart" in path}
    assert causes(tmp_path, [debian(), cudart, WITH_WHEELS]) == set()
