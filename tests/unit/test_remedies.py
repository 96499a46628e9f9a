"""A fix says what to install in the text's own numbers, and is silent where the text does not tell them."""

from __future__ import annotations

import re

import pytest

from gpudoctor.logs.remedies import REMEDIES
from gpudoctor.logs.verdicts import IDS
from gpudoctor.rules.registry import causes
from gpudoctor.workflows.diagnose import diagnose_text

#: name -> (text, cause, words of the fix's summary, words of its commands)
FIXES: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "driver and wheel": (
        "PyTorch version: 2.5.1+cu124\nCUDA used to build PyTorch: 12.4\nNvidia driver version: 470.82.01\nIs CUDA available: False\n",
        "driver-too-old-for-runtime",
        ("470.82.01", "11.4", "12.4", "525.60.13", "cu118"),
        ("torch==2.5.1", "whl/cu118"),
    ),
    "a number that PyTorch prints": (
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040). torch 2.4.0",
        "driver-too-old-for-runtime",
        ("11.4", "cu118"),
        ("torch==2.4.0",),
    ),
    "an image that wants more": (
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver\n"
        "| NVIDIA-SMI 550.54.14    Driver Version: 550.54.14    CUDA Version: 12.4     |",
        "container-requirement-unsatisfied",
        ("12.8", "550.54.14", "12.4", "570.26"),
        (),
    ),
    "docker run without a flag": (
        "$ docker run -it --rm nvcr.io/nvidia/pytorch:24.05-py3\nWARNING: The NVIDIA Driver was not detected.  GPU functionality will not be available.",
        "container-no-gpu-flag",
        (),
        ("docker run --gpus all -it --rm nvcr.io/nvidia/pytorch:24.05-py3",),
    ),
    "Blackwell under an older release": (
        "torch 2.6.0+cu124\nNVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.\n"
        "The current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.",
        "wheel-lacks-gpu-arch",
        ("2.6.0", "sm_120", "12.8", "driver branch 570"),
        ("torch==2.7.0", "whl/cu128"),
    ),
    "nvcc before Ada": (
        "nvcc fatal   : Unsupported gpu architecture 'compute_89'\nCuda compilation tools, release 11.6, V11.6.124",
        "nvcc-arch-unsupported",
        ("11.6", "sm_89", "11.8", "8.6"),
        ('TORCH_CUDA_ARCH_LIST="8.6+PTX"',),
    ),
    "nvcc after Kepler": (
        "nvcc fatal   : Unsupported gpu architecture 'compute_35'\nCuda compilation tools, release 12.1, V12.1.66",
        "gpu-too-old-for-toolkit",
        ("11.8", "sm_35"),
        (),
    ),
    "cuDNN by numbers": (
        "RuntimeError: cuDNN version mismatch: PyTorch was compiled against 7102 but linked against 7605",
        "cudnn-version-mismatch",
        ("7.1.2", "7.6.5"),
        ("cudnn=7.1.2",),
    ),
    "cuDNN by words": (
        "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0.  CuDNN library needs to have matching major version",
        "cudnn-version-mismatch",
        ("9.3.0", "9.1.0"),
        ("nvidia-cudnn-cu12>=9.3,<10",),
    ),
    "toolkit and PyTorch": (
        "The detected CUDA version (12.2) mismatches the version that was used to compile PyTorch (11.8). Please make sure to use the same CUDA versions.",
        "nvcc-mismatch-with-torch",
        ("11.8", "12.2", "cu121"),
        ("CUDA_HOME=/usr/local/cuda-11.8", "whl/cu121"),
    ),
    "a module for another kernel": (
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n$ uname -r\n6.8.0-90-generic\n"
        "$ find /lib/modules -name 'nvidia.ko*'\n/lib/modules/6.8.0-51-generic/updates/dkms/nvidia.ko.zst",
        "kernel-module-not-loaded",
        ("6.8.0-90-generic", "6.8.0-51-generic"),
        ("linux-headers-6.8.0-90-generic", "-k 6.8.0-90-generic"),
    ),
    "DKMS": (
        "Error! Bad return status for module build on kernel: 6.14.4-arch1-2 (x86_64)\nConsult /var/lib/dkms/nvidia/470.256.02/build/make.log for more information.",
        "dkms-build-failed",
        ("470.256.02", "6.14.4-arch1-2"),
        ("nvidia/470.256.02",),
    ),
    "glibc": (
        "ImportError: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by flash_attn_2_cuda.so)",
        "glibc-too-old",
        ("2.34", "Ubuntu 22.04"),
        (),
    ),
    "another process": (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 186.00 MiB. GPU 0 has a total capacity of 23.64 GiB of which 64.00 MiB is free. "
        "Including non-PyTorch memory, this process has 8.04 GiB memory in use. Process 2797307 has 14.85 GiB memory in use. "
        "Of the allocated memory 7.63 GiB is allocated by PyTorch, and 40.11 MiB is reserved by PyTorch but unallocated.",
        "out-of-memory",
        ("186.00 MiB", "2797307", "14.85 GiB"),
        ("ps -fp 2797307",),
    ),
    "a Python without a wheel": (
        "ERROR: Could not find a version that satisfies the requirement torch==1.11.0 (from versions: none)",
        "python-version-no-wheel",
        ("1.11.0", "3.7", "3.10"),
        ("python 3.10",),
    ),
    "a pair": (
        "OSError: torchaudio/lib/libtorchaudio.so: undefined symbol: _ZNK3c107SymBool10guard_boolEPKcl\ntorch 2.0.1",
        "torchvision-torchaudio-mismatch",
        ("torch 2.0.1", "torchaudio==2.0"),
        ("torchaudio==2.0.*",),
    ),
    "a misspelled name": (
        "AttributeError: module 'torch.cuda' has no attribute 'is_avaliable'",
        "not-gpu-environment",
        ("torch.cuda.is_available",),
        (),
    ),
}


@pytest.mark.parametrize("name", FIXES)
def test_a_fix_uses_the_numbers_of_the_text(name: str) -> None:
    text, cause, words, commands = FIXES[name]
    found = diagnose_text(text).diagnoses[0]
    assert found.id == cause
    assert found.fix is not None and found.fix.id == cause
    assert [w for w in words if w not in found.fix.summary] == [], found.fix.summary
    assert [c for c in commands if not any(c in line for line in found.fix.commands)] == [], (
        found.fix.commands
    )


@pytest.mark.parametrize("cause", sorted(REMEDIES))
def test_a_remedy_is_of_a_cause_and_never_breaks_on_what_it_does_not_know(cause: str) -> None:
    assert cause in {c.id for c in causes()} | set(IDS)
    import io

    from gpudoctor.logs.reading import read
    from gpudoctor.logs.remedies import remedy
    from gpudoctor.logs.sieve import Sieve
    from gpudoctor.logs.told import Told

    for text in (
        "something failed",
        "torch 9.9.9+cu999 driver 999.99 CUDA 99.9 sm_999 capability sm_999 sm_1",
        "torch 2.x driver 55",
    ):
        told = Told(read([("x", io.BytesIO(text.encode()))], Sieve(list)))
        found = remedy(cause, told)
        assert found is None or not re.search(r"\bNone\b|\?|  ", found.summary), found
