"""clang finds no C++ standard library headers

What it is: clang takes libstdc++ from the newest GCC folder under /usr/lib/gcc, and that one may hold no C++ headers:
the compiler's runtime of a newer GCC is installed, its g++ is not.

Why it hurts: Every C++ file fails at its first include ('memory' file not found).

How to tell: `clang++ -E -xc++ - -v </dev/null` prints "Selected GCC installation" and the folders that it searches.

How to fix: Install the headers of the GCC that clang selected (apt install libstdc++-N-dev or g++-N, N as it says),
or point clang to another one with --gcc-install-dir.

Sources: https://github.com/llvm/llvm-project/issues/139837
https://github.com/apple/swift-nio-ssl/issues/105
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    Signature(r"fatal error: '(?:memory|string|vector|cstddef|cstdint|iostream|algorithm|type_traits|limits|cmath)' file not found", 0.95),
    Signature(r"'memory' file not found", 0.95),
    Signature(r"fatal error: (?:memory|cstddef|cstdint|iostream): No such file or directory", 0.85),
)
