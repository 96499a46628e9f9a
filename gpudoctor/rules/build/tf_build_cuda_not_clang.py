"""TensorFlow's build gives options of one CUDA compiler to another

What it is: TensorFlow's hermetic CUDA build needs one of its configurations (cuda_clang, nvcc_clang, cuda_nvcc). With
--config=cuda alone, or a compiler whose path does not end in clang, nvcc's options reach clang, or clang's reach gcc.

Why it hurts: The first CUDA file fails on an unknown option, or on a libdevice that is not found.

How to tell: The unknown argument names the other compiler: -Xcuda-fatbinary and -nvcc_options are nvcc's,
--cuda-gpu-arch is clang's.

How to fix: Build with --config=cuda_clang (TF_CUDA_CLANG=1) and CLANG_CUDA_COMPILER_PATH=/usr/lib/llvm-17/bin/clang,
or with --config=nvcc_clang (2.18), --config=cuda_nvcc (2.19 and later); then `bazel clean --expunge`. "__nvvm_read_ptx_sreg_laneid" with
nvcc and clang as its host compiler: apply the backport (pull request 90579).

Sources: https://github.com/tensorflow/tensorflow/issues/79299
https://github.com/tensorflow/tensorflow/issues/91733
https://github.com/tensorflow/tensorflow/issues/78846
https://github.com/tensorflow/tensorflow/issues/93049
https://github.com/tensorflow/tensorflow/issues/90578
https://github.com/tensorflow/tensorflow/issues/11043
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    # TensorFlow 2.16 to 2.18 from source.
    Signature(r"cannot find libdevice for sm_\d+[.;] provide path .{0,80}--cuda-path", 0.95),
    Signature(r"(?:unknown argument:?|unrecognized (?:command[- ]line )?option) '?-Xcuda-fatbinary=--compress-all", 0.95),
    Signature(r"(?:unknown argument:?|unrecognized (?:command[- ]line )?option) '?-nvcc_options=", 0.95),
    Signature(r"(?:unrecognized command[- ]line option|unrecognized option) '?--cuda-gpu-arch=", 0.93),
    Signature(r"unknown argument: '?-fno-canonical-system-headers", 0.93),
    # nvcc with clang as its host compiler: headers take it for clang (PR 90579).
    Signature(r'identifier "__nvvm_read_ptx_sreg_\w+" is undefined', 0.95),
    Signature(r"CUDA device code does not support variadic functions", 0.85),
)
