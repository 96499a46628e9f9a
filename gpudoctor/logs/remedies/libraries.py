"""Remedies for CUDA's libraries and glibc."""

from __future__ import annotations

import re

from gpudoctor.findings import Fix
from gpudoctor.logs.told import Told
from gpudoctor.versions import numbers


def framework_cuda_version_mismatch(told: Told) -> Fix | None:
    wanted = re.search(
        r"lib(?:cublasLt|cublas|cudart|cufft|curand|cusolver|cusparse|nvrtc)\.so\.(\d+(?:\.\d)?)|(?:cublasLt|cublas|cudart)64_(\d{2,3})",
        told.text,
    )
    number = next((g for g in wanted.groups() if g), "") if wanted else ""
    here = next((t for t in told.toolkits), "") or told.driver_cuda
    major = here.partition(".")[0]
    if "cupy" in told.low:
        return (
            Fix(
                f"Install the CuPy of the CUDA that is there ({here}), and only that one",
                (
                    "python -m pip uninstall -y cupy cupy-cuda11x cupy-cuda12x cupy-cuda13x",
                    f"python -m pip install 'cupy-cuda{major}x[ctk]'",
                ),
            )
            if major in ("11", "12", "13") and not number.startswith(major)
            else None
        )
    if "onnxruntime" in told.low and number.startswith("11") and major in ("12", "13"):
        return Fix(
            f"This onnxruntime-gpu wants CUDA 11, and CUDA {here} is here: releases from 1.19 on are built for CUDA 12",
            ("python -m pip install -U 'onnxruntime-gpu>=1.19'",),
        )
    return None


#: Soname's major -> the wheel that brings the runtime.
_RUNTIME = {"11": "nvidia-cuda-runtime-cu11", "12": "nvidia-cuda-runtime-cu12", "13": "nvidia-cuda-runtime"}


def libcudart_missing(told: Told) -> Fix | None:
    match = re.search(r"libcudart\.so\.(\d+)", told.text)
    if match is None or match[1] not in _RUNTIME:
        return None
    major = match[1]
    if f"cupy-cuda{major}x" in told.low:
        return Fix(
            f"Install CuPy with the CUDA {major} libraries as wheels, or a CUDA {major} toolkit whose lib64 the loader knows",
            (f"python -m pip install 'cupy-cuda{major}x[ctk]'",),
        )
    return Fix(
        f"Install the CUDA {major} runtime: its wheel into the program's environment, or a CUDA {major} toolkit with its lib64 known to the loader",
        (f"python -m pip install {_RUNTIME[major]}", f"ldconfig -p | grep libcudart.so.{major}"),
    )


def cudnn_version_mismatch(told: Told) -> Fix | None:
    match = re.search(
        r"(?:compiled against|compiled with:?|was compiled with) \(?v?(\d[\d., ]*\d)\)?", told.text
    )
    if match is None:
        return None
    wanted = _cudnn(match[1])
    has = re.search(
        r"(?:linked against|[Ll]oaded runtime CuDNN library:?|found runtime version) \(?(\d[\d., ]*\d)\)?",
        told.text,
    )
    major = wanted.partition(".")[0]
    here = f", {_cudnn(has[1])} is loaded" if has else ""
    if int(major) >= 8:
        least = ".".join(wanted.split(".")[:2])
        cuda = "cu11" if "cu11" in told.low else "cu13" if "cu13" in told.low else "cu12"
        return Fix(
            f"It was compiled with cuDNN {wanted}{here}: install cuDNN {least} or a later minor of {major} in this environment; "
            "another framework that pins an older one belongs into an environment of its own",
            (f"python -m pip install 'nvidia-cudnn-{cuda}>={least},<{int(major) + 1}'",),
        )
    return Fix(
        f"It was compiled with cuDNN {wanted}{here}: install that one, or a newer release of the framework that brings its own",
        (f"conda install cudnn={wanted}",),
    )


def _cudnn(text: str) -> str:
    """ "7102" -> "7.1.2", "8907" -> "8.9.7", "90100" -> "9.1.0", "(8, 3, 2)" -> "8.3.2"."""
    parts = re.findall(r"\d+", text)
    if len(parts) > 1:
        return ".".join(parts[:3])
    number = int(parts[0])
    if number >= 90000:
        return f"{number // 10000}.{number % 10000 // 100}.{number % 100}"
    return f"{number // 1000}.{number % 1000 // 100}.{number % 100}" if number >= 1000 else parts[0]


def cudnn_missing(told: Told) -> Fix | None:
    match = re.search(r"libcudnn\w*\.so\.(\d+)", told.text)
    if match is None:
        if re.search(r"libcudnn\.so\b", told.text):
            return Fix(
                "This framework takes cuDNN from the system: put the cuDNN that its release was built with beside its CUDA "
                "(/usr/local/cuda/lib64), or its folder on LD_LIBRARY_PATH",
                (
                    "ls /usr/local/cuda/lib64/libcudnn*",
                    "export LD_LIBRARY_PATH=/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}",
                ),
            )
        return None
    wanted = match[1]
    cuda = "cu11" if wanted == "8" and not told.has("cu12", "cuda 12", "cuda12") else "cu12"
    return Fix(
        f"libcudnn.so.{wanted} is missing: install the cuDNN {wanted} wheel into the program's environment; if it is there, the "
        "program has to open it (`onnxruntime.preload_dlls()`, or `import torch` first), or its folder goes on LD_LIBRARY_PATH",
        (f"python -m pip install 'nvidia-cudnn-{cuda}=={wanted}.*'",),
    )


def cudnn_shadowed_by_ld_library_path(told: Told) -> Fix | None:
    value = told.variables.get("LD_LIBRARY_PATH", "")
    folders = [f for f in value.split(":") if re.search(r"cudnn|cuda", f, re.I)]
    if not folders:
        return None
    left = ":".join(f for f in value.split(":") if f and f not in folders)
    return Fix(
        f"Take {' and '.join(folders[:3])} off LD_LIBRARY_PATH, in the start-up file or module that puts them there: the framework then finds its own cuDNN",
        (f"export LD_LIBRARY_PATH={left}" if left else "unset LD_LIBRARY_PATH",),
    )


def libdevice_not_found(told: Told) -> Fix | None:
    place = re.search(r"(/usr/local/cuda-\d+\.\d+)(?![\d.])", told.text)
    where = place[1] if place else "/usr/local/cuda"
    return Fix(
        "Name the folder above nvvm/libdevice in XLA_FLAGS, or install the wheel that brings it into the same environment",
        (
            f"ls {where}/nvvm/libdevice/libdevice.10.bc && export XLA_FLAGS=--xla_gpu_cuda_data_dir={where}",
            "python -m pip install nvidia-cuda-nvcc-cu12   # for wheels of CUDA 12",
        ),
    )


#: What distributions bring (each project's release notes; `ldd --version` there).
_GLIBC = (
    ("Debian 11", "2.31"),
    ("Ubuntu 20.04", "2.31"),
    ("RHEL 9", "2.34"),
    ("Ubuntu 22.04", "2.35"),
    ("Debian 12", "2.36"),
    ("Ubuntu 24.04", "2.39"),
    ("RHEL 10", "2.39"),
    ("Debian 13", "2.41"),
)


def glibc_too_old(told: Told) -> Fix | None:
    wanted = max(re.findall(r"GLIBC_(2\.\d+)", told.text), key=numbers, default="")
    if not wanted:
        return None
    enough = [f"{name} ({version})" for name, version in _GLIBC if numbers(version) >= numbers(wanted)]
    where = f": {', '.join(enough[:3])}" if enough else ""
    return Fix(
        f"The binary needs glibc {wanted}: use a distribution or container image that has it{where}; or compile the package here. Do not replace the system's glibc",
        ("ldd --version",),
    )
