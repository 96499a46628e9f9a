"""Versions of drivers, CUDA and libraries: dotted numbers, compared number by number.

Python packages' versions (PEP 440) are `packaging`'s business; these are not: "550.163.01" has a leading zero
that is part of its name, and "12.4" must not equal "12.40".
"""

from __future__ import annotations

import re
from functools import lru_cache

_DOTTED = re.compile(r"\d+(?:\.\d+)*")


@lru_cache(maxsize=8192)  # tables are searched with it: 600 calls for one question to `compat`
def numbers(version: str) -> tuple[int, ...]:
    """The leading dotted numbers. Raises ValueError when there are none.

    >>> numbers("550.163.01"), numbers("12.4.1-1ubuntu2")
    ((550, 163, 1), (12, 4, 1))
    """
    match = _DOTTED.match(version.strip())
    if match is None:
        raise ValueError(f"no version number in {version!r}")
    return tuple(int(part) for part in match.group().split("."))


def is_version(text: str) -> bool:
    return _DOTTED.fullmatch(text.strip()) is not None


def compare(left: str, right: str) -> int:
    """-1, 0 or 1; missing parts count as zero, so "12.4" equals "12.4.0"."""
    a, b = numbers(left), numbers(right)
    width = max(len(a), len(b))
    a += (0,) * (width - len(a))
    b += (0,) * (width - len(b))
    return (a > b) - (a < b)


def at_least(version: str, minimum: str) -> bool:
    return compare(version, minimum) >= 0


def older(version: str, than: str) -> bool:
    return compare(version, than) < 0


def major(version: str) -> int:
    return numbers(version)[0]


def release(version: str) -> str:
    """Major and minor: "12.4.131" -> "12.4"; "12" -> "12.0"."""
    parts = numbers(version)
    return f"{parts[0]}.{parts[1] if len(parts) > 1 else 0}"


def branch(driver: str) -> int:
    """The driver branch: "550.163.01" -> 550."""
    return numbers(driver)[0]


def from_cuda_int(value: int) -> str:
    """CUDA's integer form: 12040 -> "12.4"."""
    return f"{value // 1000}.{value % 1000 // 10}"


def capability(text: str) -> tuple[int, int]:
    """A compute capability in any usual spelling, as (major, minor). Raises ValueError.

    >>> capability("8.6"), capability("sm_120"), capability("compute_90a")
    ((8, 6), (12, 0), (9, 0))
    """
    match = re.fullmatch(r"(?:sm_|compute_)?(\d+)\.(\d)|(?:sm_|compute_)?(\d+)(\d)[af]?", text.strip())
    if match is None:
        raise ValueError(f"no compute capability in {text!r}")
    first, second, third, fourth = match.groups()
    return (int(first), int(second)) if first is not None else (int(third), int(fourth))


def sm(text: str) -> str:
    """A compute capability as sm_xx: "8.6" -> "sm_86"."""
    whole, part = capability(text)
    return f"sm_{whole}{part}"


_TERM = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)\s*")


def terms(wanted: str) -> tuple[tuple[str, str], ...]:
    """A requirement's terms: ">=550, <580" -> ((">=", "550"), ("<", "580")). Raises ValueError.

    >>> terms(">=12.4")
    (('>=', '12.4'),)
    """
    found = []
    for part in wanted.split(","):
        match = _TERM.fullmatch(part)
        if match is None:
            raise ValueError(f"{part.strip()!r} is no requirement such as '>=550'")
        found.append((match.group(1), match.group(2)))
    return tuple(found)


def satisfies(version: str, wanted: str) -> bool:
    """Whether a version meets every term. "==550" means the branch: as many numbers are compared as are written.

    >>> satisfies("550.163.01", ">=550, <580"), satisfies("550.163.01", "==550"), satisfies("12.4", ">12.4")
    (True, True, False)
    """
    return all(_holds(version, operator, than) for operator, than in terms(wanted))


def _holds(version: str, operator: str, than: str) -> bool:
    if operator in ("==", "!="):
        parts = numbers(than)
        mine = numbers(version) + (0,) * len(parts)
        return (mine[: len(parts)] == parts) == (operator == "==")
    order = compare(version, than)
    return {">=": order >= 0, "<=": order <= 0, ">": order > 0, "<": order < 0}[operator]
