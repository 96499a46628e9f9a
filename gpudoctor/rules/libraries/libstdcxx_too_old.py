"""The loader takes a libstdc++ that is older than the program needs

What it is: A library wants a symbol version (GLIBCXX_3.4.29, CXXABI_1.3.13) that the libstdc++ which is loaded does
not have: the system's, while a newer one lies in the environment, or the other way round.

Why it hurts: Import fails.

How to tell: `strings libstdc++.so.6 | grep GLIBCXX` on the file that the message names, against the version that is
wanted.

How to fix: Install libstdcxx-ng in the conda environment and run inside it, or update the system's gcc runtime; don't
copy libstdc++ around.

Sources: https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"version [`'\"]?GLIBCXX_(?P<wants>3\.\d\.\d+)'? not found", 0.9),
)
