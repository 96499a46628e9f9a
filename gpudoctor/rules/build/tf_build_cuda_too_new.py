"""The CUDA toolkit is newer than this TensorFlow's code

What it is: CUDA 12.8 and 12.9 changed CUB and alignment rules; TensorFlow up to 2.19 does not compile with them.

Why it hurts: Kernels fail to compile.

How to tell: gpu_prim.h, concat_lib_gpu_impl.cu.cc or CUpti names stand in the message.

How to fix: Build with CUDA 12.6 or older (HERMETIC_CUDA_VERSION), or apply the backports.

Sources: https://github.com/tensorflow/tensorflow/issues/90562
https://github.com/tensorflow/tensorflow/pull/99364
https://github.com/tensorflow/tensorflow/pull/125963
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    Signature(r"gpu_prim\.h\(\d+\): error: no instance of overloaded function", 0.95),
    Signature(r"no instance of (?:overloaded )?(?:function )?\S*cub::ThreadLoadVolatilePointer", 0.95),
    Signature(r"concat_lib_gpu_impl\.cu\.cc.{0,120}specified alignment \(4\) is different", 0.95),
    Signature(r"redefinition of '?(?:enum )?CUpti_driver_api_trace_cbid_enum", 0.95),
)
