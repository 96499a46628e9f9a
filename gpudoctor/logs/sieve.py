"""The prefilter: which lines of a long log may hold a signature.

Every signature has a run of ordinary characters that each of its matches contains. A log repeats itself: lines that
differ in digits only are looked at once. In what is left a run is searched only where its key is there, a word that it
shares with other runs. So a hundred megabytes cost a second where a log repeats itself, and some seconds where every
line is another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable

_DIGITS = b"0123456789"
#: So many lines are remembered; then we begin anew. Memory, not speed, is what bounds them.
_LINES = 150_000
#: A run that was picked so often has been seen enough.
_ENOUGH = 60


class Sieve:
    """Made ready when the first long text comes: a paste of fifty lines needs none of this."""

    def __init__(self, literals: Callable[[], Iterable[str]]) -> None:
        self._literals = literals
        self._ready = False

    def _prepare(self) -> None:
        self._ready = True
        plain = [
            b" ".join(p.lower().encode().translate(None, _DIGITS).split())
            for p in dict.fromkeys(self._literals())
        ]
        runs = [p for p in dict.fromkeys(plain) if len(p) >= 3]
        #: Runs that hold another run need no look of their own: where they are, the shorter one is.
        kept = [r for r in runs if not any(other in r and other != r for other in runs)]
        #: Key -> runs that hold it: words that many runs share, so that few searches rule most runs out.
        self._keyed = _keyed(kept)
        self._lines: set[int] = set()
        self._counts: dict[bytes, int] = {}

    def pick(self, lines: list[bytes]) -> list[int]:
        """The indices of the lines that may matter."""
        if not self._ready:
            self._prepare()
        plain = b"\n".join(lines).lower().translate(None, _DIGITS).split(b"\n")
        new = []
        seen = self._lines
        for index, line in enumerate(plain):
            key = hash(line)
            if key not in seen:
                seen.add(key)
                new.append(index)
        if len(seen) > _LINES:
            seen.clear()
        if not new:
            return []
        fresh = [b" ".join(plain[index].split()) for index in new]
        text = b"\n".join(fresh)
        starts, at = [], 0
        for line in fresh:
            starts.append(at)
            at += len(line) + 1
        picked: set[int] = set()
        for word, runs in self._keyed.items():
            if runs and word in text:
                for run in tuple(runs):
                    self._find(run, text, starts, picked)
                    if self._counts.get(run, 0) >= _ENOUGH:
                        runs.remove(run)
        return sorted(new[index] for index in picked)

    def _find(self, run: bytes, text: bytes, starts: list[int], picked: set[int]) -> None:
        """Add the lines that hold the run, until it has been seen often enough."""
        at = text.find(run)
        while at >= 0 and self._counts.get(run, 0) < _ENOUGH:
            index = bisect_right(starts, at) - 1
            picked.add(index)
            self._counts[run] = self._counts.get(run, 0) + 1
            at = text.find(run, starts[index + 1]) if index + 1 < len(starts) else -1


def _keyed(runs: list[bytes]) -> dict[bytes, list[bytes]]:
    """Greedily: the word that most of the runs hold that are left, again and again. Short words are in every text."""
    left = list(runs)
    found: dict[bytes, list[bytes]] = {}
    while left:
        words = Counter(w for run in left for w in set(run.split()) if len(w) >= 5)
        if not words:
            found.update({run: [run] for run in left})
            break
        key = max(words, key=lambda w: (words[w], len(w)))
        found[key] = [run for run in left if key in run]
        left = [run for run in left if key not in run]
    return found
