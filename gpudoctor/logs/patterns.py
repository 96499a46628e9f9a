"""Signatures' patterns: the literal run that the prefilter looks for, and the compiled expression that can't run away."""

from __future__ import annotations

import re
from functools import lru_cache

#: What `*` and `+` become. Long enough for any line that names a cause, short enough for hostile ones.
_MANY, _MORE = "{0,300}", "{1,300}"


_NO_DIGITS = {ord(digit): None for digit in "0123456789"}
#: What makes a pattern more than a row of characters and classes.
_STRUCTURE = re.compile(r"[()|\[\]?*{]")
_NOT_ORDINARY = re.compile(r"\\[a-zA-Z0-9]|(?<!\\)[.^$+]")


@lru_cache(maxsize=4096)
def literals_of(pattern: str) -> tuple[str, ...]:
    """Strings, in lower case, of which every match contains one: the longest run of ordinary characters, or one of
    each alternative of a group that must be there. Empty when there is none.

    >>> literals_of(r"PTX was compiled with an (?:unsupported|unknown) toolchain|Unsupported \\.version")
    ('ptx was compiled with an', 'unsupported .version')
    """
    if not _STRUCTURE.search(pattern):
        # Half of the patterns: words, classes such as \\d, dots. Cut at what is no ordinary character.
        runs = _NOT_ORDINARY.split(pattern)
        return (max((run.replace("\\", "").strip().lower() for run in runs), key=_weight),)
    return _alternatives(pattern, 0)[0]


def _alternatives(pattern: str, at: int) -> tuple[tuple[str, ...], int]:
    """The literals of the alternatives from `at` to the closing parenthesis or the end, and where that is."""
    found: tuple[str, ...] = ()
    hopeless = False
    best: tuple[str, ...] = ()
    run = ""
    size = len(pattern)
    while True:
        char = pattern[at] if at < size else ")"
        if char in "|)":
            best = _better(best, run)
            run = ""
            hopeless = hopeless or not best
            found += best
            if char == ")":
                return (() if hopeless else found), at + 1
            best = ()
            at += 1
            continue
        at, piece, inner = _next(pattern, at)
        optional = at < size and pattern[at] in "*?{"
        if piece and not optional:
            run += piece
            continue
        best = _better(best, run)
        run = ""
        if inner and not optional and _weakest(inner) > _weakest(best):
            best = inner


#: Of so many strings, and no more, the alternatives that follow each other are joined.
_JOINED = 48

Demands = tuple[tuple[tuple[str, ...], ...], ...]


@lru_cache(maxsize=4096)
def demands_of(pattern: str) -> Demands:
    """More than `literals_of`: for each alternative all that its matches must hold, each as strings of which one must be
    there. In small letters.

    >>> demands_of(r"driver (?:too old|unknown).{0,9}for CUDA|no GPUs?")
    ((('driver too old', 'driver unknown'), ('for cuda',)), (('no gpu',),))
    """
    found: list[tuple[tuple[str, ...], ...]] = []
    mine: list[tuple[str, ...]] = []
    runs = [""]
    at, size = 0, len(pattern)
    while at <= size:
        if at == size or pattern[at] == "|":
            found.append((*mine, *_said(runs)))
            mine, runs, at = [], [""], at + 1
            continue
        strings, after = _finite_item(pattern, at)
        if strings is None:
            after, _, inner = _next(pattern, at)
            mine += _said(runs)
            runs = [""]
            mine += [inner] if inner and pattern[after : after + 1] not in ("*", "?", "{") else []
        elif len(runs) * len(strings) > _JOINED:
            mine += _said(runs)
            runs = strings
        else:
            runs = [run + string for run in runs for string in strings]
        at = after
    return tuple(found)


def _said(runs: list[str]) -> list[tuple[str, ...]]:
    """The group of these strings, without those that hold another; none where one of them is nothing."""
    short = sorted({run.strip() for run in runs}, key=lambda run: (len(run), run))
    if not all(short):
        return []
    return [tuple(s for i, s in enumerate(short) if not any(other in s for other in short[:i]))]


def _finite(pattern: str, at: int) -> tuple[list[str] | None, int]:
    """All that the alternatives from `at` to the closing parenthesis can be, None where that is too much to list; and
    where they end."""
    found: list[str] = []
    mine = [""]
    while True:
        char = pattern[at] if at < len(pattern) else ")"
        if char in "|)":
            found += mine
            mine, at = [""], at + 1
            if char == ")":
                return found, at
            continue
        strings, at = _finite_item(pattern, at)
        if strings is None or len(mine) * len(strings) > _JOINED:
            return None, at
        mine = [run + string for run in mine for string in strings]


def _finite_item(pattern: str, at: int) -> tuple[list[str] | None, int]:
    """What one item can be, a question mark behind it included."""
    char = pattern[at]
    strings: list[str] | None
    if char == "\\":
        escaped = pattern[at + 1 : at + 2]
        strings, at = ([""] if escaped == "b" else None if escaped.isalnum() else [escaped.lower()]), at + 2
    elif char == "(":
        start = at + 3 if pattern.startswith("(?:", at) else at + 1
        strings, at = (None, at) if pattern[start : start + 1] == "?" else _finite(pattern, start)
    else:
        strings, at = (None, at) if char in "[.^$*+?{" else ([char.lower()], at + 1)
    if strings is None or pattern[at : at + 1] in ("*", "+", "{"):
        return None, at
    if pattern[at : at + 1] == "?":
        return ["", *strings], at + 1
    return strings, at


def _next(pattern: str, at: int) -> tuple[int, str, tuple[str, ...]]:
    """One item: where the next begins, the ordinary character that it is ("" for another), a group's literals."""
    char = pattern[at]
    if char == "\\":
        escaped = pattern[at + 1 : at + 2]
        return at + 2, "" if escaped.isalnum() else escaped, ()
    if char == "[":
        return _end_of_set(pattern, at), "", ()
    if char == "{":
        return (pattern.find("}", at) + 1) or len(pattern), "", ()
    if char == "(":
        start, looking = at + 1, pattern.startswith(("(?!", "(?<!", "(?=", "(?<="), at)
        if pattern.startswith("(?P<", at):
            start = pattern.find(">", at) + 1
        elif pattern.startswith("(?:", at):
            start = at + 3
        inner, after = _alternatives(pattern, start + (2 if looking else 0))
        return after, "", () if looking else inner
    return at + 1, "" if char in ".^$*+?" else char, ()


def _weakest(literals: tuple[str, ...]) -> int:
    return min(map(_weight, literals), default=0)


def _weight(literal: str) -> int:
    """Digits do not count: the sieve looks at lines without them."""
    return len(literal.translate(_NO_DIGITS).strip())


def _better(best: tuple[str, ...], run: str) -> tuple[str, ...]:
    run = run.strip().lower()
    return (run,) if run and _weight(run) > _weakest(best) else best


def _end_of_set(pattern: str, at: int) -> int:
    at += 1
    if pattern[at : at + 1] == "^":
        at += 1
    if pattern[at : at + 1] == "]":
        at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> re.Pattern[str]:
    """Spaces match line breaks and Markdown's quotes too ("the `nouveau` driver"), repetitions are bounded, case does not
    count, `^` and `$` are a line's."""
    out = []
    at, size = 0, len(pattern)
    while at < size:
        char = pattern[at]
        if char == "\\":
            out.append(pattern[at : at + 2])
            at += 2
        elif char == "[":
            end = _end_of_set(pattern, at)
            out.append(pattern[at:end])
            at = end
        elif char == " ":
            out.append(r"\s" if pattern[at + 1 : at + 2] in ("*", "+", "?", "{") else r"[\s`]{1,3}")
            at += 1
        elif char in "*+" and out and out[-1] != "(":
            out.append(_MANY if char == "*" else _MORE)
            at += 1
        else:
            out.append(char)
            at += 1
    return re.compile("".join(out), re.I | re.M)
