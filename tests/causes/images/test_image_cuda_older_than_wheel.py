"""image-cuda-older-than-wheel."""

from __future__ import annotations

from pathlib import Path

from tests.images import (
    SITE,
    Content,
    causes,
    cuda_wheels,
    debian,
    finding,
    judgement,
    system_cache,
    system_cuda,
    tensorflow,
    venv,
)

CAUSE = "image-cuda-older-than-wheel"


def cudnn9() -> dict[str, Content]:
    """cuDNN 9 and libdevice as wheels, CUDA itself from the system."""
    return {p: d for p, d in cuda_wheels().items() if "/cudnn/" in p or "_cudnn_" in p or "cuda_nvcc" in p}


def test_tensorflow_over_an_older_release(tmp_path: Path) -> None:
    files = {**system_cuda(), **venv(), **tensorflow(), **cudnn9()}
    found = judgement(tmp_path, [debian(system_cache()), files])
    assert CAUSE in {f.id for f in found.findings if f.caused_by is None}
    assert finding(found, CAUSE).title == "tensorflow 2.18.0 was built with CUDA 12.5.1, the image has 12.3"


def test_tensorflows_own_image_of_2_18_0(tmp_path: Path) -> None:
    """CUDA 12.3 and cuDNN 8 inside, 12.5 and 9 wanted (tensorflow/build#217): as its packages and its wheel say."""
    files = {**system_cuda(), **venv(), **tensorflow()}
    found = causes(tmp_path, [debian(system_cache()), files], user="")
    assert found == {CAUSE, "cudnn-version-mismatch", "libdevice-not-found", "image-runs-as-root"}


def test_a_build_info_of_the_same_release_is_well(tmp_path: Path) -> None:
    info = f"{SITE}/tensorflow/python/platform/build_info.py"
    older = str(tensorflow()[info]).replace("12.5.1", "12.3.0")
    files = {**system_cuda(), **venv(), **tensorflow(), **cudnn9(), info: older}
    assert CAUSE not in causes(tmp_path, [debian(system_cache()), files])
