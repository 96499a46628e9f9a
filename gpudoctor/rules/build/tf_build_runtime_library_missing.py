"""A wheel that was built asks for a CUDA library of the version that it was built with

What it is: The templates of the hermetic CUDA rules link libnvrtc-builtins into the wheel by its exact minor version; the machine has another
one, or none.

Why it hurts: Import or the first compiled kernel fails.

How to tell: "libnvrtc-builtins.so.12.5: cannot open shared object file" names the version of the build.

How to fix: Install that version's NVRTC beside TensorFlow (pip install 'nvidia-cuda-nvrtc-cu12==12.5.*' for 12.5), or put the folder of the
CUDA that it was built with on the loader's path; `gpudoctor build-tf` writes an env.sh with it.

Sources: https://github.com/tensorflow/tensorflow/pull/86413
https://github.com/conda-forge/tensorflow-feedstock/pull/414
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"libnvrtc-builtins\.so\.\d+\.\d+: cannot open shared object file", 0.9, needs=(r"bazel|tensorflow/python|_pywrap_tensorflow",)),
)
