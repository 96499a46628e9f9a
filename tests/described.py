"""Machines to plan for, and what has to come out. Where from: the tables' own sources (docs/knowledge.md); the GPU code of
torch's variants is that of RELEASE.md and of the wheels, cuDNN's kernels are those of the fatbins of its wheels."""

from __future__ import annotations

from typing import Any

#: name -> (target, version asked, machine, (version, variant, index, cudnn, python), left out)
WHL = "https://download.pytorch.org/whl/"
PIN = "nvidia-cudnn-cu12<=9.10.2.21"
MACHINES: dict[str, tuple[str, str, dict[str, Any], tuple[str, str, str, str, str], tuple[str, ...]]] = {
    # sm_70 left every torch but those for CUDA 12.6 with 2.11, and 2.15 has none
    "v100-535-torch": (
        "torch", "", {"gpu": "V100", "driver": "535.183.01", "python": "3.11"},
        ("2.14.1+cu126", "cu126", WHL + "cu126", "", "3.11"), (),
    ),
    # CUDA 13 needs R580: a machine with 570 stays with CUDA 12
    "rtx5090-570-torch": (
        "torch", "", {"gpu": "RTX 5090", "driver": "570.124.06", "python": "3.12"},
        ("2.11.0+cu128", "cu128", WHL + "cu128", "", "3.12"), (),
    ),
    "rtx5090-580-torch": (
        "torch", "", {"gpu": "RTX 5090", "driver": "580.95.05", "python": "3.12"},
        ("2.15.0", "cu132", "", "", "3.12"), (),
    ),
    "h100-550-torch-2.10": (
        "torch", "2.10", {"gpu": "H100", "driver": "550.54.14", "python": "3.12"},
        ("2.10.0", "cu128", "", "", "3.12"), (),
    ),
    # driver 470 runs CUDA 11 only
    "a100-470-torch": (
        "torch", "", {"gpu": "A100", "driver": "470.82.01", "python": "3.11"},
        ("2.7.1+cu118", "cu118", WHL + "cu118", "", "3.11"), (),
    ),
    "v100-torch-2.8-cu128": (
        "torch", "2.8.0", {"gpu": "V100", "driver": "570.124.06", "python": "3.12"},
        ("2.8.0", "cu128", "", "", "3.12"), (),
    ),
    "gtx1080-and-rtx4090-torch": (
        "torch", "", {"gpu": ["GTX 1080", "RTX 4090"], "driver": "580.95.05", "python": "3.12"},
        ("2.14.1+cu126", "cu126", WHL + "cu126", "", "3.12"), (),
    ),
    # one needs the proprietary kernel module, the other the open one
    "gtx1080-and-rtx5090-torch": (
        "torch", "", {"gpu": ["GTX 1080", "RTX 5090"], "driver": "580.95.05", "python": "3.12"},
        ("2.15.0", "cu132", "", "", "3.12"), ("GTX 1080",),
    ),
    "gtx1080-tensorflow": (
        "tensorflow", "", {"gpu": "GTX 1080", "driver": "580.95.05", "python": "3.12"},
        ("2.21.0", "", "", PIN, "3.12"), (),
    ),
    "rtx3050-tensorflow-2.18": (
        "tensorflow", "2.18", {"gpu": "sm_86", "driver": "550.54.14", "python": "3.11"},
        ("2.18.1", "", "", "", "3.11"), (),
    ),
    # there is no TensorFlow for Python 3.14
    "rtx4090-python3.14-tensorflow": (
        "tensorflow", "", {"gpu": "RTX 4090", "driver": "570.124.06", "python": "3.14"},
        ("2.21.0", "", "", "", "3.13"), (),
    ),
    # the default index has CUDA builds for ARM since 2.11
    "gh200-torch": (
        "torch", "", {"gpu": "GH200", "driver": "580.95.05", "python": "3.12", "machine": "aarch64"},
        ("2.15.0", "cu132", "", "", "3.12"), (),
    ),
    "v100-jax": (
        "jax", "", {"gpu": "V100", "driver": "535.183.01", "python": "3.12"},
        ("0.12.0.1", "cuda12", "", PIN, "3.12"), (),
    ),
    "h100-580-jax": (
        "jax", "", {"gpu": "H100", "driver": "580.95.05", "python": "3.12"},
        ("0.12.0.1", "cuda13", "", "", "3.12"), (),
    ),
}  # fmt: skip
