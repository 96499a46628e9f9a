"""NVIDIA_REQUIRE_CUDA and its like: what an image demands of the host's driver.

A sample, from an nvidia/cuda:12.4 image (shortened): blanks mean *or*, commas mean *and*, several variables are all
needed.

    cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=535,driver<536
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gpudoctor.versions import compare

_CONDITION = re.compile(r"([a-z]+)\s*(>=|<=|!=|=|<|>)\s*([\w.]+)")


def fulfilled(requirement: str, properties: Mapping[str, str]) -> bool | None:
    """True or False; None when it hangs on a property that is not known, or on words that we don't understand.

    >>> fulfilled("cuda>=12.8 brand=tesla,driver>=535", {"cuda": "12.4", "brand": "geforce"})
    False
    """
    return _any(_all(_one(c, properties) for c in group.split(",")) for group in requirement.split())


def all_fulfilled(requirements: Iterable[str], properties: Mapping[str, str]) -> bool | None:
    """Every variable has to be fulfilled; an empty one demands nothing."""
    return _all(fulfilled(text, properties) for text in requirements if text.strip())


def _one(condition: str, properties: Mapping[str, str]) -> bool | None:
    match = _CONDITION.fullmatch(condition.strip())
    if match is None:
        return None
    name, operator, wanted = match.groups()
    actual = properties.get(name)
    if actual is None:
        return None
    if name in ("brand", "arch") and operator in ("=", "!="):
        same = actual.lower() == wanted.lower()
        return same if operator == "=" else not same
    try:
        order = compare(actual, wanted)
    except ValueError:
        return None
    return {
        ">=": order >= 0,
        "<=": order <= 0,
        "!=": order != 0,
        "=": order == 0,
        "<": order < 0,
        ">": order > 0,
    }[operator]


def _all(parts: Iterable[bool | None]) -> bool | None:
    seen = list(parts)
    return False if False in seen else None if None in seen else True


def _any(parts: Iterable[bool | None]) -> bool | None:
    seen = list(parts)
    return True if True in seen or not seen else None if None in seen else False
