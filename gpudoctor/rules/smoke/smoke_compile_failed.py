"""Compiling a model failed: a compiler, ptxas, libdevice or a header is missing

What it is: torch.compile or XLA turned a small model into code, and the compiler that makes a library of it
could not be run.

Why it hurts: Everything that compiles at run time fails, often only after minutes of a job: torch.compile,
Triton kernels, XLA's jit, extensions.

How to tell: torch.compile needs a C compiler and Python.h for Triton, and a C++ compiler on the CPU; Triton
brings its ptxas; XLA in TensorFlow looks for ptxas and libdevice in a CUDA toolkit. The message in the report
names what was not found.

How to fix: Install the compiler and Python's headers (Debian: `apt install g++ python3-dev`; conda: `conda
install gxx_linux-64`), or name it with CC and CXX. For XLA: install the CUDA toolkit, or pip's nvidia-cuda-
nvcc, and set XLA_FLAGS=--xla_gpu_cuda_data_dir.

Sources: https://docs.pytorch.org/docs/stable/torch.compiler_faq.html
https://github.com/tensorflow/tensorflow/issues/56927
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, of_illness, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, of_illness("compiler")):
        yield Problem(
            f"{where(trial)} can't compile a model ({names(phases)})",
            software(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "Install a C++ compiler and Python's headers, or name the compiler with CC and CXX",
                ("apt-get install -y g++ python3-dev   # Debian, Ubuntu", "cc --version && c++ --version"),
            ),
        )
