"""The compiler is not of a release that this TensorFlow builds with

What it is: Each TensorFlow release is tested with one clang (2.16 to 2.18: clang 17) and its lld; newer and older
ones trip over its dependencies.

Why it hurts: The build stops in a third-party library, hours in.

How to tell: The complaint is about a dependency (upb, XNNPACK) or the linker, not about TensorFlow's own code.

How to fix: Install clang-17 and lld-17 (for 2.16 to 2.18), configure again with their real paths, and `bazel clean
--expunge`.

Sources: https://github.com/tensorflow/tensorflow/issues/78613
https://github.com/tensorflow/tensorflow/issues/91733
https://github.com/tensorflow/tensorflow/issues/70199
https://github.com/tensorflow/tensorflow/issues/56324
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    Signature(r"defining a type within 'offsetof' is a (?:Clang|C2x|C23) extension", 0.95),
    Signature(r"invalid linker name in (?:argument|-fuse-ld=) ?'?-?(?:fuse-ld=)?lld", 0.93),
    Signature(r"(?:unknown argument:?|unrecognized (?:command[- ]line )?option) '?-mavx(?:512fp16|vnniint8)", 0.93),
    Signature(r"undeclared inclusion\(s\) in rule", 0.9),
    # clang's own wording; nvcc says "Unsupported gpu architecture 'compute_89'".
    Signature(r"clang(?:\+\+)?: error: unsupported CUDA gpu architecture: sm_\d+", 0.97, needs=(r"bazel|tensorflow|external/",)),
    Signature(r"unsupported CUDA gpu architecture: sm_\d+", 0.7, needs=(r"bazel|clang|tensorflow",)),
    Signature(r"external/org_brotli/\S{1,80}:\d+:\d+: error", 0.8),
)
