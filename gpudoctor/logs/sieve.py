"""The prefilter: which lines of a long log may hold a signature.

Every signature has a run of ordinary characters that each of its matches contains. A log repeats itself: lines that
differ in digits only are looked at once. Of what is left the *words* are looked up, not the runs: a piece's words are made
a set, new words are searched for the parts of words that runs begin or end with, and only runs of which a word is there
are searched in the piece. So it hardly matters how many signatures there are. Where a log does not repeat itself, GNU grep throws out the
lines that hold none of the runs first (`logs/grep.py`): a hundred megabytes cost a second where a log
repeats itself and five or six where every line is another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping

from gpudoctor.logs.grep import Grep

_DIGITS = b"0123456789"
#: All that is no part of a word becomes a blank. Bytes of other scripts are parts of words.
_SPACED = bytes(c if c >= 128 or chr(c).isalnum() or c == 95 else 32 for c in range(256))
#: So many lines and words are remembered; then we begin anew. Memory, not speed, is what bounds them.
_LINES = 150_000
_WORDS = 120_000
#: Longer words without an underscore are mostly base64 and hashes: in them a part is looked for only if it is long too,
#: or begins the word.
_LONG = 16
_LONG_PART = 13
_LONGEST = 60
#: Shorter parts ("see", "code", "pod") are in too many words to be looked for in them: they count as whole words. Digits are
#: gone by then, so that "cu12", "rocm6.2" and "MIG-1g" are whole words still.
_SHORTEST_PART = 5
#: A line of this length without a blank or one of these marks is base64: no program says anything so.
_BLOB = 50
_MARKS = (b"_", b":", b".", b'"', b"'")
#: A run that was picked so often has been seen enough.
_ENOUGH = 30
#: Around a line that was picked so many are of interest; fewer where the run has been seen before, so often.
AROUND, _FEW_AROUND = 12, 2
_OFTEN = 4
#: Bytes: less is not worth a process.
_WORTH = 1 << 16


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
        #: Word -> runs to search for where it is. `_parts`: a piece of a word -> runs.
        self._of: dict[bytes, list[bytes]] = {}
        self._parts: dict[bytes, list[bytes]] = {}
        self._always: list[bytes] = []
        #: Run -> the words that it holds whole, where there are such: all must be there.
        self._whole: dict[bytes, tuple[bytes, ...]] = {}
        self._runs = list(dict.fromkeys(p for p in plain if len(p) >= 3))
        self._grep: Grep | None = None
        for run in self._runs:
            self._file(run)
        for part, runs in self._parts.items():
            self._of.setdefault(part, []).extend(runs)
        #: Parts that hold no other part: where none of them is, none is.
        parts = sorted(self._parts, key=len)
        self._roots: dict[bytes, list[bytes]] = {}
        for part in parts:
            root = next(
                (r for r in self._roots if r in part and (len(r) >= _LONG_PART) == (len(part) >= _LONG_PART)),
                part,
            )
            self._roots.setdefault(root, []).append(part)
        self._long_roots = {
            root: parts for root, parts in self._roots.items() if len(root) >= _LONG_PART and b"_" not in root
        }
        self._heads = {part[:4] for part in self._parts}
        self._known: set[bytes] = set()
        self._lines: set[int] = set()
        self._counts: dict[bytes, int] = {}

    def _file(self, run: bytes) -> None:
        words = run.translate(_SPACED).split()
        # The first and the last word may be the end and the beginning of longer ones; those between are whole.
        if len(words) > 2:
            self._whole[run] = tuple(words[1:-1])
        inner = [w for w in words[1:-1] if len(w) >= 4]
        if inner:
            self._of.setdefault(max(inner, key=len), []).append(run)
            return
        part = max(words, key=len, default=b"")
        if len(part) >= _SHORTEST_PART:
            self._parts.setdefault(part, []).append(run)
        elif len(part) >= 3:
            self._of.setdefault(part, []).append(run)
        else:
            self._always.append(run)

    def pick(self, lines: list[bytes]) -> Mapping[int, int]:
        """The indices of the lines that may matter, in order, and how many lines around each are of interest."""
        return self.begin(lines)()

    def begin(self, lines: list[bytes]) -> Callable[[], Mapping[int, int]]:
        """`pick` in two steps: while grep reads these lines, the next can be got ready. What it returns must be called before that
        of the lines after."""
        if not self._ready:
            self._prepare()
        plain = b"\n".join(lines).lower().translate(None, _DIGITS).split(b"\n")
        new = [
            index
            for index in self._not_seen(plain)
            if b" " in (line := plain[index]) or len(line) < _BLOB or any(mark in line for mark in _MARKS)
        ]
        if not new:
            return dict
        fresh = [plain[index] for index in new] if len(new) < len(plain) else plain
        text = b"\n".join(fresh)
        if b"  " in text or b"\t" in text:
            fresh = [b" ".join(line.split()) for line in fresh]
            text = b"\n".join(fresh)
        grepped = self._grepped(text)

        def finish() -> Mapping[int, int]:
            places = grepped()
            if places is None:
                return self._picked(new, fresh, text)
            left = [fresh[place] for place in places]
            return self._picked([new[place] for place in places], left, b"\n".join(left))

        return finish

    def _not_seen(self, plain: list[bytes]) -> Iterable[int]:
        """The indices of lines that differ from all before."""
        keys = list(map(hash, plain))
        seen = self._lines
        if len(seen) > _LINES:
            seen.clear()
        if seen.isdisjoint(keys):
            new = len(seen)
            seen.update(keys)
            if len(seen) - new == len(keys):
                return range(len(keys))
            seen.difference_update(keys)
        found = []
        for index, key in enumerate(keys):
            if key not in seen:
                seen.add(key)
                found.append(index)
        return found

    def _grepped(self, text: bytes) -> Callable[[], list[int] | None]:
        """Which lines hold a run of which more are wanted; None where nobody can tell."""
        if len(text) < _WORTH:
            return lambda: None
        if self._grep is None:
            self._grep = Grep()
        if not self._grep.works:
            return lambda: None
        wanted = [run for run in self._runs if self._counts.get(run, 0) < _ENOUGH]
        return self._grep.begin(wanted, text)

    def _picked(self, new: list[int], fresh: list[bytes], text: bytes) -> Mapping[int, int]:
        """`fresh`: the lines to look at, of which `text` is made; `new`: their indices."""
        runs = [run for run in self._candidates(text) if run in text]
        if not runs:
            return {}
        starts, at = [], 0
        for line in fresh:
            starts.append(at)
            at += len(line) + 1
        picked: dict[int, int] = {}
        for run in runs:
            self._find(run, text, starts, picked)
        return {new[index]: picked[index] for index in sorted(picked)}

    def _candidates(self, text: bytes) -> list[bytes]:
        """The runs of which a word is in the text, less those that have been seen enough."""
        words = set(text.translate(_SPACED).split())
        self._learn(words - self._known)
        runs = {run for word in words & self._of.keys() for run in self._of[word]}.union(self._always)
        whole = self._whole
        return [r for r in runs if self._counts.get(r, 0) < _ENOUGH and words.issuperset(whole.get(r, ()))]

    def _learn(self, new: set[bytes]) -> None:
        """File every new word that holds a part under the runs of that part."""
        short = [w for w in new if len(w) <= _LONG or b"_" in w]
        long = [w for w in new if _LONG < len(w) <= _LONGEST and b"_" not in w]
        heads = self._heads
        self._search([*short, *(w for w in long if w[:4] in heads)], self._roots)
        self._search(long, self._long_roots)
        if len(self._known) > _WORDS:
            self._known.clear()
        self._known.update(short[: 2 * _WORDS])

    def _search(self, words: list[bytes], roots: dict[bytes, list[bytes]]) -> None:
        joined = b"\n" + b"\n".join(words) + b"\n"
        for root, parts in roots.items():
            at = joined.find(root)
            while at >= 0:
                word = joined[joined.rfind(b"\n", 0, at) + 1 : joined.find(b"\n", at)]
                for part in parts:
                    if part in word and part != word:
                        filed = self._of.setdefault(word, [])
                        filed += [run for run in self._parts[part] if run not in filed]
                at = joined.find(root, joined.find(b"\n", at))

    def _find(self, run: bytes, text: bytes, starts: list[int], picked: dict[int, int]) -> None:
        """Add the lines that hold the run, until it has been seen often enough."""
        at = text.find(run)
        while at >= 0 and self._counts.get(run, 0) < _ENOUGH:
            index = bisect_right(starts, at) - 1
            count = self._counts[run] = self._counts.get(run, 0) + 1
            picked[index] = max(picked.get(index, 0), AROUND if count <= _OFTEN else _FEW_AROUND)
            at = text.find(run, starts[index + 1]) if index + 1 < len(starts) else -1
