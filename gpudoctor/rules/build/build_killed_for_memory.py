"""The kernel stopped the compiler for want of memory

What it is: Compiling CUDA code takes gigabytes a job; too many jobs at once used up the machine's memory (not the
GPU's).

Why it hurts: The build dies in a random file, with "Killed" or a server that ended abruptly.

How to tell: The kernel log names the process that it killed ("Out of memory: Killed process").

How to fix: Build with fewer jobs: MAX_JOBS=4 for PyTorch extensions, --jobs=4 --local_ram_resources=HOST_RAM*.5 for
Bazel; or add swap. What is built already stays.

Sources: https://github.com/tensorflow/tensorflow/issues/41480
https://github.com/Dao-AILab/flash-attention
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    # nvcc on its own children.
    Signature(r"(?:cicc|cudafe\+\+|ptxas|nvlink|fatbinary)['\"]? died due to signal 9", 0.93),
    Signature(r"(?:c\+\+|g\+\+|gcc|cc1plus|clang(?:\+\+)?|nvcc|ld|cicc): (?:fatal error: )?.{0,40}Killed(?: signal terminated program)?", 0.88),
    Signature(r"Killed signal terminated program cc1plus", 0.95),
    Signature(r"Server terminated abruptly \(error code: 14", 0.93),
    Signature(r"collect2: fatal error: ld terminated with signal 9", 0.95),
    Signature(r"ninja: build stopped.{0,40}|subprocess\.CalledProcessError.{0,80}ninja", 0.2),
    Signature(r"Out of memory: Kill(?:ed)? process \d+ \((?:cc1plus|cicc|nvcc|ninja|java|bazel|clang|ptxas|make|ld)", 0.8),
    Signature(
        r"Out of memory: Kill(?:ed)? process \d+ \(python",
        0.75,
        needs=(r"setup\.py|pip3? install|build_ext|MAX_JOBS|ninja|nvcc|compil\w+|wheel",),
    ),
)
