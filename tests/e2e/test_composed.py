"""PyTorch for CUDA 12.4 in a virtual environment, over fake drivers: well where it fits, and its ill twins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.composed import Venv, torch_cu124
from tests.e2e.test_fakes import answers, check, of_this_machine, roots, toolkits_here

__all__ = ["answers"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.cc,
    pytest.mark.skipif(fakes.CC is None, reason="no C compiler"),
    pytest.mark.skipif(os.path.exists("/sys/module/nvidia"), reason="this machine has an NVIDIA module"),
]


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venv]:
    yield torch_cu124(tmp_path_factory.mktemp("composed") / "venv")


def expected_here(file: Path) -> set[str]:
    """What this machine's own toolkit and engine add to what the driver and PyTorch say."""
    found = of_this_machine(file)
    found.add("libcuda-link-missing")  # the fakes are libcuda.so.1 alone, and Triton links with -lcuda
    if any(release[0] != 12 for release in toolkits_here()):
        found.add("nvcc-mismatch-with-torch")
    return found


def judged(file: Path, venv: Venv) -> dict[str, Any]:
    return check(file, "", "--python", str(venv.python))


@pytest.mark.parametrize("name", ["a100-8x", "h100-8x", "h100-8x-mig", "rtx3050-laptop", "t4"])
def test_it_is_well_where_driver_and_gpu_fit(name: str, venv: Venv, answers: Callable[..., Path]) -> None:
    file = answers(name)
    report = judged(file, venv)
    assert (roots(report), report["exit_code"]) == (expected_here(file), 0)
    assert report["skipped"] == []
    assert "torch" in str(report["machine"]["frameworks"])


def test_a_driver_of_cuda_11_is_too_old_for_it(venv: Venv, answers: Callable[..., Path]) -> None:
    file = answers("a100-8x", "nvml_version 11.470.256.02", "driver_version 470.256.02", "cuda_version 11040")
    report = judged(file, venv)
    assert roots(report) - expected_here(file) == {"driver-too-old-for-runtime"}
    assert report["exit_code"] == 1


def test_it_has_no_code_for_blackwell(venv: Venv, answers: Callable[..., Path]) -> None:
    """Nor has the ptxas that Triton brings."""
    file = answers("rtx5090")
    report = judged(file, venv)
    assert roots(report) - expected_here(file) == {"wheel-lacks-gpu-arch", "ptxas-too-old"}


def test_what_it_was_compiled_for_is_read_from_the_library(
    tmp_path: Path, answers: Callable[..., Path]
) -> None:
    """A build of one's own, for Turing alone: an A100 finds nothing in it."""
    made = torch_cu124(tmp_path / "venv", (75,))
    report = judged(answers("a100-8x"), made)
    assert "wheel-lacks-gpu-arch" in roots(report)
    assert "wheel-lacks-gpu-arch" not in roots(judged(answers("t4"), made))


@pytest.mark.wheels
@pytest.mark.parametrize("name", ["env-torch", "env-tensorflow"])
def test_real_frameworks_for_the_cpu(name: str, answers: Callable[..., Path]) -> None:
    """Beside a GPU they are the finding, and the only one; without one they are well."""
    python = fakes.BUILD.parent / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no build/{name}: run scripts/fetch-{name.removeprefix('env-')}")
    file = answers("rtx5090")
    report = check(file, "", "--python", str(python))
    here = expected_here(file) - {"nvcc-mismatch-with-torch"}
    assert roots(report) - here == {"cpu-only-wheel"}, report["findings"]
    alone = check(answers("not-loaded"), "", "--python", str(python))
    assert roots(alone) == {"no-nvidia-gpu"} and alone["exit_code"] == 0
