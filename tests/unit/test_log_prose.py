"""What prose and a build's own words show, and the near twins that show nothing: torch from PyPI on Windows, a build for
another vendor, one import in two places."""

from __future__ import annotations

import pytest

from gpudoctor.workflows.diagnose import diagnose_text


def first(text: str) -> str:
    return next((d.id for d in diagnose_text(text).diagnoses if d.basis != "resemblance"), "")


WINDOWS = "PyTorch version: 2.3.1{local}\nOS: Microsoft Windows 11 Home\nIs CUDA available: {available}\nGPU 0: NVIDIA GeForce RTX 3060\n{more}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (WINDOWS.format(local="", available="False", more=""), "cpu-only-wheel"),
        (WINDOWS.format(local="", available="True", more=""), ""),
        (WINDOWS.format(local="+cu121", available="False", more=""), ""),
        (
            WINDOWS.format(
                local="", available="False", more="[conda] pytorch 2.3.1 py3.11_cuda12.1_cudnn8_0"
            ),
            "",
        ),
        (
            WINDOWS.format(local="", available="False", more="").replace(
                "Microsoft Windows 11 Home", "Debian"
            ),
            "",
        ),
        (
            "rocm6.2 image, Radeon card: torch is 2.5.1+cu124, is_available() is False",
            "wrong-accelerator-build",
        ),
        ("Add a ROCm image please, requirements.txt pins torch==2.5.1+cu124", ""),
        (
            "import cudf works in the terminal. In the notebook: ModuleNotFoundError: No module named 'cudf'",
            "wrong-env-or-kernel",
        ),
        ("In the terminal colours look fine, in the notebook the plot is blurry", ""),
        ("I run CentOS 7 with glibc 2.17 and pip refuses the manylinux_2_28 wheels", "glibc-too-old"),
        ("Fixed since glibc 2.17, install with make install", ""),
        ("I run the demo on a cluster and like it", ""),
        ("I tensorflow/core/common_runtime/process_util.cc:146] Creating new thread pool", "harmless"),
        (
            "torch 2.5.1+cu121, torchvision 0.20.1+cpu: operator torchvision::nms does not exist",
            "torchvision-torchaudio-mismatch",
        ),
        (
            "import torchvision fails in my job with torch 2.3.1, torchvision 0.16.2",
            "torchvision-torchaudio-mismatch",
        ),
        ("import torchvision fails in my job with torch 2.3.1, torchvision 0.18.1", ""),
        (
            "onnxruntime-gpu 1.15.1, CUDA 12.2: Failed to create CUDAExecutionProvider",
            "framework-cuda-version-mismatch",
        ),
        (
            "onnxruntime-gpu 1.19.2, CUDA 12.2: Failed to create CUDAExecutionProvider",
            "cuda-libs-missing-for-framework",
        ),
        ("TensorFlow 2.4.1, CUDA 10.2: the GPU is not detected", "framework-cuda-version-mismatch"),
        ("TensorFlow 2.4.1, CUDA 11.4: the GPU is not detected", ""),
        ("RTX 3070 with CUDA 10.1: not supported, says the program", "wheel-lacks-gpu-arch"),
        ("RTX 3070 with CUDA 11.4: not supported, says the program", ""),
        ("import torch gives an ImportError in PyCharm, in Spyder it works", "wrong-env-or-kernel"),
        ("import torch works in PyCharm and in Spyder, and the plot is blurry", ""),
        ("TF 2.16.1 on Windows 10, Num GPUs Available: 0", "tf-gpu-on-windows-unsupported"),
        ("TF 2.10 on Windows 10 works with my GTX 1660, CUDA 11.2", ""),
    ],
)
def test_what_prose_shows_is_named_and_no_more(text: str, cause: str) -> None:
    assert first(text) == cause
