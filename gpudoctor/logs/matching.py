"""Signatures against a text: which match, where, with what values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gpudoctor.facts.record import Record
from gpudoctor.logs.conditions import CONDITIONS, OF_THE_TEXT
from gpudoctor.logs.index import Entry, Runs, runs_of, signature
from gpudoctor.logs.patterns import compiled, literals_of
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
    return [run for entry in entries for runs in _runs(entry) for run in runs]


def match(entries: Sequence[Entry], text: Text, told: Told) -> list[Hit]:
    flat = " ".join(text.joined.split()).lower()
    if (
        "`" in flat
    ):  # where names are quoted in Markdown, runs of words are looked for without the quotes, too
        flat = f"{flat}\n{flat.replace('`', '')}"
    found = []
    for entry in entries:
        maybe = [i for i, runs in enumerate(_runs(entry)) if any(run in flat for run in runs)]
        signatures = entry.load() if maybe else ()
        for index in maybe:
            hit = _hit(entry.id, signature(signatures[index]), text, flat, told)
            if hit is not None:
                found.append(hit)
    return found


def _runs(entry: Entry) -> Runs:
    return entry.runs if entry.runs is not None else runs_of(entry.load())


def _hit(name: str, signature: Signature, text: Text, flat: str, told: Told) -> Hit | None:
    # What costs nothing is asked first: compiling is what a short text's time goes into.
    if any(not any(literal in flat for literal in literals_of(pattern)) for pattern in signature.needs):
        return None
    whole = OF_THE_TEXT.get(signature.when)
    if whole is not None and not whole(told):
        return None
    joined = text.joined
    condition = CONDITIONS[signature.when] if signature.when and whole is None else None
    indices: list[int] = []
    first = None
    matches = 0
    for found in compiled(signature.pattern).finditer(joined):
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
    if any(not _somewhere(pattern, joined, flat) for pattern in signature.needs):
        return None
    if any(_somewhere(pattern, joined, flat) for pattern in signature.unless):
        return None
    groups = {k: " ".join(v.split()) for k, v in first.groupdict().items() if v}
    return Hit(name, signature, tuple(indices), first.start(), groups)


def _somewhere(pattern: str, joined: str, flat: str) -> bool:
    may = any(literal in flat for literal in literals_of(pattern))
    if not may or not any(char in pattern for char in "\\()[]{}.*+?^$"):
        return may  # words and nothing else: found is found, without compiling anything
    return compiled(pattern).search(joined) is not None
