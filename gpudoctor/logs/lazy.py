"""Patterns that are compiled when they are first used: most texts need a few of them, and compiling all costs milliseconds."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator


class Lazy:
    """As `re.compile`, but later."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._said = (pattern, flags)
        self._made: re.Pattern[str] | None = None

    @property
    def _pattern(self) -> re.Pattern[str]:
        if self._made is None:
            self._made = re.compile(*self._said)
        return self._made

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        return self._pattern.search(text, start, end)

    def match(self, text: str) -> re.Match[str] | None:
        return self._pattern.match(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self._pattern.finditer(text)

    def findall(self, text: str) -> list[str]:
        """Of a pattern with one group, or none."""
        found: list[str] = self._pattern.findall(text)
        return found

    def sub(self, instead: str | Callable[[re.Match[str]], str], text: str) -> str:
        return self._pattern.sub(instead, text)
