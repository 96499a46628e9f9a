"""Out of memory: was there room enough, only in pieces?"""

from __future__ import annotations

import re

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

_UNITS = {
    "b": 1,
    "bytes": 1,
    "kib": 1 << 10,
    "kb": 1 << 10,
    "mib": 1 << 20,
    "mb": 1 << 20,
    "gib": 1 << 30,
    "gb": 1 << 30,
}


def _size(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit.lower()]


_REQUEST = Lazy(r"(?:Tried to allocate|Requested {1,20}:) (\d+(?:\.\d+)?) (\w{1,5}?)(?:[. ;(\n]|$)", re.I)


_FREE = Lazy(
    r"(\d+(?:\.\d+)?) (\w{1,5}?) (?:is )?free\b|Free \(according to CUDA\) {0,3}: (\d+(?:\.\d+)? \w{1,5})",
    re.I,
)


_UNUSED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) is reserved by PyTorch but unallocated", re.I)


_ALLOCATED = Lazy(
    r"(\d+(?:\.\d+)?) (\w{1,5}?) already allocated|Currently allocated {0,20}: (\d+(?:\.\d+)? \w{1,5})", re.I
)


_RESERVED = Lazy(
    r"(\d+(?:\.\d+)?) (\w{1,5}?) reserved in total|(?:memory_reserved(?:\(\w{0,12}\))?|reserved memory)\W{1,12}(?:(?:is|was|says|prints|printed|gives|gave|shows|showed|returns|returned) )?(\d+(?:\.\d+)? [KMG]i?B)",
    re.I,
)


_CAPACITY = Lazy(
    r"(?:total capac\w*ty of (?P<after>\d+(?:\.\d+)? \w{1,5})|(?P<before>\d+(?:\.\d+)? \w{1,5}?) total capac\w*ty)",
    re.I,
)


#: Of the GPU's memory: less than that, unallocated, is no sign of fragments, and old PyTorch rounds it to 0.01 GiB.
_MUCH = 0.02


_CACHED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) cached", re.I)


def _measure(pattern: Lazy, text: str) -> float | None:
    found = pattern.search(text)
    if found is None:
        return None
    number, _, unit = next(g for g in found.groups() if g).partition(" ")
    unit = unit or found[2]
    return _size(number, unit) if unit.lower() in _UNITS else None


def fragmented(match: re.Match[str], told: Told) -> bool:
    """Free and reserved-but-unallocated memory together would have been enough for the request, and the free memory
    alone would not (where it would, somebody else took it meanwhile, unless as much lies unallocated).

    PyTorch up to 2.0 prints "already allocated" and "reserved in total", later "reserved by PyTorch but unallocated"."""
    text = told.text[match.start() : match.start() + 1500]
    following = re.search(r"out of memory", text[20:], re.I)
    if following and "Tried to allocate" in text[: following.start() + 20]:
        text = text[: following.start() + 20]
    request, free = _measure(_REQUEST, text), _measure(_FREE, text)
    unused = _measure(_UNUSED, text)
    if unused is None:
        allocated = _measure(_ALLOCATED, text)
        reserved = _measure(_RESERVED, text) or _measure(_RESERVED, told.text)
        if allocated is not None and reserved is not None:
            unused = reserved - allocated
        else:  # PyTorch up to 1.4: "5.00 GiB already allocated; 1.00 GiB free; 3.00 GiB cached" (beside the allocated)
            unused = _measure(_CACHED, text)
    if request is None or unused is None:
        return False
    left, total = free or 0.0, _measure(_CAPACITY, text)
    if left < request and total is not None and unused < _MUCH * total:
        return False  # the memory is full: what lies between the blocks is what always does
    return left + unused >= request and (left < request or unused >= request)
