"""Signatures against a text: which match, where, with what values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpudoctor.facts.record import Record
from gpudoctor.logs.conditions import CONDITIONS, OF_THE_TEXT
from gpudoctor.logs.index import Entry, Groups, Runs, best_of, runs_of, signature
from gpudoctor.logs.patterns import compiled, demands_of, literals_of
from gpudoctor.logs.reading import Text
from gpudoctor.logs.told import Told
from gpudoctor.signature import Signature

#: Of one signature so many matches are kept as evidence.
SHOWN = 3


class Hit(Record):
    """A signature that matched. `indices`: the lines of the text that prove it; `at`: where the first match begins."""

    id: str
    signature: Signature
    indices: tuple[int, ...]
    at: int
    groups: Mapping[str, str]


def literals(entries: Iterable[Entry]) -> list[str]:
    """What the sieve looks for in a long text."""
    return [run for entry in entries for alternatives, _ in _runs(entry) for run in best_of(alternatives)]


def match(entries: Sequence[Entry], text: Text, told: Told) -> list[Hit]:
    flat = " ".join(text.joined.split()).lower()
    if (
        "`" in flat
    ):  # where names are quoted in Markdown, runs of words are looked for without the quotes, too
        flat = f"{flat}\n{flat.replace('`', '')}"
    found = []
    searched = _Searched(text.joined, flat)
    for entry in entries:
        said = [
            index
            for index, (alternatives, needs) in enumerate(_runs(entry))
            if searched.holds_all(needs) and any(map(searched.holds_all, alternatives))
        ]
        signatures = entry.load() if said else ()
        for index in said:
            hit = _hit(entry.id, signature(signatures[index]), text, searched, told)
            if hit is not None:
                found.append(hit)
    return found


#: Characters. In a longer text a pattern is tried only near what each of its matches must hold.
_LONG = 100_000
#: So far before and after it (characters).
_REACH = 1500


class _Searched:
    """A text in which patterns are looked for, and what was found of those that decide between signatures."""

    def __init__(self, joined: str, flat: str) -> None:
        self.joined, self.flat = joined, flat
        self._found: dict[str, bool] = {}
        self._held: dict[str, bool] = {}
        low = joined.lower().replace("\n", " ") if len(joined) > _LONG else ""
        #: The same characters in the same places, in small letters, with blanks for line ends; "" for a short text.
        self._low = low if len(low) == len(joined) else ""

    def holds(self, run: str) -> bool:
        """These characters, in small letters."""
        known = self._held.get(run)
        if known is None:
            known = self._held[run] = run in self.flat
        return known

    def holds_all(self, groups: Groups) -> bool:
        """One string of each."""
        return all(any(map(self.holds, runs)) for runs in groups)

    def has(self, pattern: str) -> bool:
        known = self._found.get(pattern)
        if known is None:
            known = self._found[pattern] = self._has(pattern)
        return known

    def _has(self, pattern: str) -> bool:
        may = any(map(self.holds, literals_of(pattern)))
        if not may or _is_words(pattern):
            return may
        return any(map(self.holds_all, demands_of(pattern))) and next(self.matches(pattern), None) is not None

    def matches(self, pattern: str) -> Iterator[re.Match[str]]:
        search = compiled(pattern)
        for start, end in self._near(literals_of(pattern)) if self._low else ((0, len(self.joined)),):
            yield from search.finditer(self.joined, start, end)

    def _near(self, runs: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where one of them stands, from a line's beginning to a line's end; in order, none twice. Everything where they stand in the
        text without its quotes only."""
        places: list[int] = []
        for run in runs:
            at = self._low.find(run)
            while at >= 0:
                places.append(at)
                at = self._low.find(run, at + _REACH // 2)
        if not places:
            yield 0, len(self.joined)
        begin = end = 0
        for at in sorted(places):
            if at - _REACH > end:
                if end:
                    yield begin, end
                begin = self.joined.rfind("\n", 0, max(0, at - _REACH)) + 1
            after = self.joined.find("\n", at + _REACH)
            end = after if after >= 0 else len(self.joined)
        if end:
            yield begin, end


def _runs(entry: Entry) -> Runs:
    return entry.runs if entry.runs is not None else runs_of(entry.load())


def _is_words(pattern: str) -> bool:
    """Words and nothing else: found is found, without compiling anything."""
    return not any(char in pattern for char in "\\()[]{}.*+?^$")


def _hit(name: str, signature: Signature, text: Text, searched: _Searched, told: Told) -> Hit | None:
    # What costs nothing is asked first: compiling is what a short text's time goes into.
    if any(_is_words(pattern) and searched.has(pattern) for pattern in signature.unless):
        return None
    whole = OF_THE_TEXT.get(signature.when)
    if whole is not None and not whole(told):
        return None
    condition = CONDITIONS[signature.when] if signature.when and whole is None else None
    indices: list[int] = []
    first = None
    matches = 0
    for found in searched.matches(signature.pattern):
        matches += 1
        if matches > 200:
            break
        if condition is not None and not condition(found, told):
            continue
        first = first or found
        indices += [i for i in text.indices(found.start(), found.end()) if i not in indices]
        if len(indices) >= SHOWN:
            break
    if first is None:
        return None
    if any(not searched.has(pattern) for pattern in signature.needs):
        return None
    if any(searched.has(pattern) for pattern in signature.unless):
        return None
    groups = {k: " ".join(v.split()) for k, v in first.groupdict().items() if v}
    return Hit(name, signature, tuple(indices), first.start(), groups)
