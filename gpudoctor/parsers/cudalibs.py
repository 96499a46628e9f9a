"""Names of CUDA's user libraries: which family a file belongs to, and what its name says of its version.

Layouts by the lists of the wheels' contents (nvidia-cuda-runtime-cu12 and its siblings) and of NVIDIA's toolkit.
"""

from __future__ import annotations

import re

#: Start of a file's name -> family. The longest start that fits decides.
_FAMILIES = {
    "libcudart": "cudart",
    "libcublas": "cublas",
    "libcublasLt": "cublaslt",
    "libcudnn": "cudnn",
    "libnccl": "nccl",
    "libnvJitLink": "nvjitlink",
    "libnvrtc": "nvrtc",
    "libcufft": "cufft",
    "libcurand": "curand",
    "libcusolver": "cusolver",
    "libcusparse": "cusparse",
    "libcusparseLt": "cusparselt",
    "libcupti": "cupti",
    "libnvinfer": "tensorrt",
    "libnvonnxparser": "tensorrt",
    "libnvToolsExt": "nvtx",
    "libnvtx3interop": "nvtx",
    "libnvvm": "nvvm",
    "libcufile": "cufile",
    "libnvshmem": "nvshmem",
}
_PREFIXES = tuple(_FAMILIES)
#: A base name must be one of these, or go on with an underscore or a hyphen ("libcudnn_ops", "libnvrtc-builtins").
_STEM = r"(lib[A-Za-z0-9]+)(?:[-_][A-Za-z0-9_\-]+)?\.so(?:\.([0-9.]+))?"
#: Plug-ins that carry a family's name and are other people's.
_FOREIGN = ("libnccl-net", "libnccl-tuner", "libnccl-profiler", "libnccl-env", "libnvvm-samples")
_MORE = {"libcufftw": "cufft", "libcusolverMg": "cusolver", "libcufft": "cufft", "libnvrtc": "nvrtc"}

#: Family -> the distribution of CUDA 13's wheels that brings it; with "-cu12" behind it for CUDA 11 and 12.
PACKAGES = {
    "cudart": "nvidia-cuda-runtime",
    "cublas": "nvidia-cublas",
    "cublaslt": "nvidia-cublas",
    "cudnn": "nvidia-cudnn",
    "nccl": "nvidia-nccl",
    "nvjitlink": "nvidia-nvjitlink",
    "nvrtc": "nvidia-cuda-nvrtc",
    "cufft": "nvidia-cufft",
    "curand": "nvidia-curand",
    "cusolver": "nvidia-cusolver",
    "cusparse": "nvidia-cusparse",
    "cusparselt": "nvidia-cusparselt",
    "cupti": "nvidia-cuda-cupti",
    "tensorrt": "tensorrt-libs",
    "nvtx": "nvidia-nvtx",
    "nvvm": "nvidia-nvvm",
    "cufile": "nvidia-cufile",
    "nvshmem": "nvidia-nvshmem",
}


def maybe(name: str) -> bool:
    """A quick no for the thousands of other files in a library folder."""
    return name.startswith(_PREFIXES)


def family_of(name: str) -> str:
    """ "libcudnn_ops.so.9.10.2" -> "cudnn"; "" for what is no shared library of CUDA's.

    >>> family_of("libcublasLt.so.12"), family_of("libnvrtc-builtins.so.12.4"), family_of("libnccl-net.so")
    ('cublaslt', 'nvrtc', '')
    """
    if not maybe(name) or name.startswith(_FOREIGN):
        return ""
    match = re.fullmatch(_STEM, name)
    if match is None:
        return ""
    stem = match.group(1)
    return _FAMILIES.get(stem) or _MORE.get(stem, "")


def version_in(name: str) -> str:
    """The version that a real file's name carries: three numbers or more. Fewer are a soname ("libcudart.so.11.0").

    >>> version_in("libcudnn.so.9.10.2"), version_in("libcudart.so.11.0")
    ('9.10.2', '')
    """
    tail = name.rpartition(".so.")[2] if ".so." in name else ""
    return tail if tail.count(".") >= 2 and tail.replace(".", "").isdigit() else ""


def soname_of(names: list[str]) -> str:
    """Of one file's names in a folder the soname: the shortest that has a version ("libcudnn.so.9"); "" if unsure."""
    versioned = sorted((n for n in names if ".so." in n and not version_in(n)), key=len)
    return versioned[0] if versioned else ""


def major_of(name: str) -> str:
    """The number behind ".so.": "libcudart.so.12" -> "12", "libcudart.so" -> ""."""
    return name.rpartition(".so.")[2].partition(".")[0] if ".so." in name else ""
