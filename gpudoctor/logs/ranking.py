"""From hits to diagnoses: what explains what, what stands first, when it is better to say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpudoctor.facts.record import Record
from gpudoctor.logs.matching import Hit
from gpudoctor.logs.resemblance import Likeness
from gpudoctor.logs.verdicts import IDS as VERDICTS

#: Less than this is no answer.
LEAST = 0.3
#: A cause that is at least so sure hides what it explains.
SURE = 0.5
#: So many are told.
MOST = 5
#: An answer that is at least so sure, and resembles itself best, needs no second opinion.
BEYOND_DOUBT = 0.9
#: Of causes that resemble each other those count as close that have so much of the best one's score.
CLOSE = 0.5


class Candidate(Record):
    """A cause that the text speaks of. `hits`: best first; `below`: the cause that explains it, or ""; `likeness`: set where
    nothing but a resemblance speaks for it."""

    id: str
    confidence: float
    hits: tuple[Hit, ...]
    at: int
    below: str = ""
    likeness: Likeness | None = None


def rank(
    hits: Sequence[Hit], judged: Mapping[str, float], explains: Mapping[str, frozenset[str]]
) -> list[Candidate]:
    """`judged`: causes that the rules found in the facts of the text, with confidence. Best first; what another one
    explains comes after all that stand by themselves."""
    found = _candidates(hits, judged)
    sure = {c.id: c for c in found if c.confidence >= SURE}
    placed = []
    for candidate in found:
        above = [
            other
            for other in sure.values()
            if candidate.id in explains.get(other.id, ())
            and other.id not in explains.get(candidate.id, ())
            and other.confidence >= candidate.confidence - 0.2
        ]
        placed.append(candidate.replace(below=above[0].id) if above else candidate)
    placed.sort(key=lambda c: (bool(c.below), -c.confidence, c.at))
    return [c for c in placed if c.confidence >= LEAST][:MOST]


def _candidates(hits: Sequence[Hit], judged: Mapping[str, float]) -> list[Candidate]:
    by_id: dict[str, list[Hit]] = {}
    for hit in hits:
        by_id.setdefault(hit.id, []).append(hit)
    found = []
    for name in dict.fromkeys([*by_id, *judged]):
        mine = sorted(by_id.get(name, []), key=lambda h: (-h.signature.confidence, h.at))
        sayings = [h.signature.confidence for h in mine]
        if name in judged:
            sayings.append(judged[name])
        best = max(sayings)
        # Several independent sayings agree: a little surer, never certain.
        confidence = min(0.99, best + 0.02 * (len(sayings) - 1))
        at = min((h.at for h in mine), default=1 << 60)
        found.append(Candidate(name, round(confidence, 2), tuple(mine), at))
    return found


def second_opinion(
    ranked: Sequence[Candidate], near: Sequence[Likeness], explains: Mapping[str, frozenset[str]]
) -> list[Candidate]:
    """What wordings and facts have ranked, and after it what the text resembles: alone where they are silent, else where it is
    another cause first, or where neighbours are hard to tell apart."""
    if not ranked:
        if near and near[0].id in VERDICTS:
            near = near[:1]
        return [_like(one) for one in near if one is near[0] or one.id not in VERDICTS]
    best = ranked[0]
    if near and near[0].id == best.id:
        near = [n for n in near if n.score >= CLOSE * near[0].score] if best.confidence < BEYOND_DOUBT else ()
    known = {c.id for c in ranked} | explains.get(best.id, frozenset()) | {*VERDICTS}
    more = [_like(one) for one in near if one.id not in known]
    own = [c for c in ranked if not c.below]
    return [*own, *more, *(c for c in ranked if c.below)][:MOST]


def _like(one: Likeness) -> Candidate:
    return Candidate(one.id, one.confidence, (), 1 << 60, likeness=one)
