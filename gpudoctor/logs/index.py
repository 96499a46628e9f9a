"""What the prefilter looks for, cause by cause, as scripts/publish-literals wrote it down: most causes are then not imported.

A text speaks of a few causes, and importing the files of two hundred takes longer than all else that `diagnose` does. An entry
counts while the cause's file is of the size that it was; another file is imported and worked out, so an old index costs
milliseconds, never an answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from gpudoctor.facts.record import Record
from gpudoctor.logs.patterns import demands_of, literals_of
from gpudoctor.signature import Signature

#: Groups of strings, of each of which one must be there.
Groups = Sequence[Sequence[str]]
#: Of each signature of a file, in their order: for each alternative of its pattern what all its matches hold, and what the patterns
#: hold that must be in the text too.
Runs = Sequence[tuple[Sequence[Groups], Groups]]


_NO_DIGITS = {ord(digit): None for digit in "0123456789"}


class Entry(Record):
    """A cause (or a verdict) as the matcher needs it. `load` imports its file and gives its signatures; `runs` as the index has
    them, None where it does not know this file."""

    id: str
    load: Callable[[], tuple[Signature | str, ...]]
    runs: Runs | None = None


def entry(name: str, file: str, load: Callable[[], tuple[Signature | str, ...]]) -> Entry:
    """`file`: where the cause's source lies; in a zip it can't be looked at, and the index is believed."""
    known = _written_down().get(name)
    if known is None:
        return Entry(name, load)
    try:
        size = os.stat(file).st_size
    except OSError:
        size = known[0]
    return Entry(name, load, known[1] if size == known[0] else None)


def signature(given: Signature | str) -> Signature:
    return given if isinstance(given, Signature) else Signature(given)


def runs_of(signatures: Sequence[Signature | str]) -> Runs:
    found = map(signature, signatures)
    return [
        (_alternatives(one.pattern), tuple(literals_of(pattern) for pattern in one.needs)) for one in found
    ]


def _alternatives(pattern: str) -> Sequence[Groups]:
    demands = demands_of(pattern)
    return demands if all(demands) else ((literals_of(pattern),),)


def best_of(alternatives: Sequence[Groups]) -> Iterator[str]:
    """Strings of which every match holds one: of each alternative the group that says most."""
    for groups in alternatives:
        yield from max(
            groups, key=lambda group: min((len(run.translate(_NO_DIGITS)) for run in group), default=0)
        )


@lru_cache(maxsize=1)
def _written_down() -> Mapping[str, tuple[int, Runs]]:
    import json

    loader = __spec__.loader if __spec__ is not None else None
    path = os.path.join(os.path.dirname(__file__), "literals.json")
    try:
        raw: bytes = loader.get_data(path)  # type: ignore[union-attr]  # works in a zip, costs no import
        found: dict[str, tuple[int, Runs]] = json.loads(raw)
    except (AttributeError, OSError, ValueError):
        return {}
    return found
