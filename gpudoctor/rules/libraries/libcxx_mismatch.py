"""The program meets another libc++ than it was built with

What it is: A library was compiled against clang's libc++ of one release, and the loader gives it the libc++ of an
older one (or none).

Why it hurts: Import fails on an undefined symbol of std::__1, such as _ZNSt3__122__libcpp_verbose_abortEPKcz, which
LLVM 15 brought.

How to tell: `ldd -r` on the library names the libc++.so.1 that it gets; the symbol's absence there (`nm -D`) proves
it.

How to fix: Build without -stdlib=libc++, or put the folder of the matching libc++ first for the loader
(LD_LIBRARY_PATH of that program alone).

Sources: https://github.com/numpy/numpy/issues/23122
https://github.com/llvm/llvm-project/issues/87590
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"undefined symbol: _ZNSt3__1\w+", 0.95),
    Signature(r"__libcpp_verbose_abort", 0.97),
    Signature(r"undefined (?:symbol|reference)\S* .{0,20}std::__1::", 0.93),
    Signature(r"libc\+\+(?:abi)?\.so\.1: cannot open shared object file", 0.85),
)
