"""The loader's cache does not know the CUDA libraries in its own folders

What it is: /etc/ld.so.conf names the folders that ldconfig looks through; what it finds is written into
/etc/ld.so.cache, and the loader reads only that. Libraries were put into such a folder, or taken out of it, and
ldconfig has not run since.

Why it hurts: The library is there and "cannot be opened": No such file or directory. Or the cache still leads to a file
that is gone.

How to tell: The CUDA libraries in ldconfig's folders against the entries of the cache.

How to fix: Run ldconfig.

Sources: https://man7.org/linux/man-pages/man8/ldconfig.8.html
https://man7.org/linux/man-pages/man8/ld.so.8.html
https://github.com/NVIDIA/nvidia-docker/issues/1711
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.libraries import Libraries
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.judging import need


def check(libraries: Libraries) -> Iterator[Problem]:
    stale = need(libraries.uncached, "loader cache (musl and NixOS have none)")
    if not stale:
        return
    yield Problem(
        f"The loader's cache does not agree with its folders on {len(stale)} CUDA "
        f"{'library' if len(stale) == 1 else 'libraries'}: {stale[0]}",
        severity="warning",
        evidence=tuple(Evidence("not as the cache says", path, "/etc/ld.so.cache") for path in stale[:8]),
        fix=Fix("Make the loader's cache anew", ("sudo ldconfig",), "unsafe"),
    )
