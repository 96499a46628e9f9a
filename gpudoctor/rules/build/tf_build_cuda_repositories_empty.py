"""TensorFlow's CUDA repositories are empty: the CUDA folder has no lib

What it is: The hermetic rules of 2.18 and 2.19 link include, lib, bin and nvvm of LOCAL_CUDA_PATH. A CUDA from the runfile has lib64 and no lib:
the link leads to nothing, no version is found, and every library target of that repository is commented out.

Why it hurts: Nothing fails there. Hours later a header such as cuda.h or cupti.h is not found, or CUDA's symbols are undefined.

How to tell: external/cuda_cudart/version.txt in Bazel's output base is empty, and the BUILD file beside it is commented out.

How to fix: Give the build a folder of links that has lib and CUPTI's files (gpudoctor build-tf makes one), or link lib to lib64 in the CUDA
folder; then bazel clean --expunge.

Sources: https://github.com/openxla/xla/issues/27528
https://github.com/openxla/xla/issues/16866
https://github.com/jax-ml/jax/issues/23689
https://github.com/openxla/xla/blob/main/docs/hermetic_cuda.md
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"'?third_party/gpus/cuda/(?:extras/CUPTI/)?include/\w+\.h'? file not found", 0.95),
    Signature(r"third_party/gpus/cuda/(?:extras/CUPTI/)?include/\w+\.h: No such file or directory", 0.95),
    Signature(r"undefined (?:symbol|reference)(?: to|:) [`']?(?:cuda\w+|cu[A-Z]\w+|cupti\w+)", 0.55, needs=(r"bazel|//tensorflow|@local_(?:xla|tsl)",)),
    Signature(r"the CUDA repositories .{0,120} came out empty", 0.95),
)
