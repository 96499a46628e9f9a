"""Which causes a text resembles by its words, for texts in which no known wording decides.

People and programs say the same thing in more ways than anybody writes signatures for, but with much the same words. Each cause has a
vocabulary: the words of its own page and signatures and of the project's cases of it, weighed by how often they are said
and how few causes share them (tf-idf; the nearest centroid, Rocchio's classifier). `scripts/publish-vocabulary` writes it down.

It is the weakest of three witnesses: a signature and a fact say why they are right, a resemblance only that it is likely. So it
never makes an answer surer than "possible", never comes before theirs or against facts, and asks for a complaint about GPUs.
Measured on public texts before anything was changed for them: docs/diagnose.md.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from gpudoctor.facts.record import Record
from gpudoctor.logs.lazy import Lazy

#: A cosine below this says nothing.
LEAST = 0.2
#: So many are named.
MOST = 3
#: Of a longer text the lines that complain count, and their neighbours: a table's words say what was asked, not what is wrong.
LONG = 12
#: A text of more lines is not compared: among so many words are those of every fault.
MUCH = 3000
#: Lines that are shown as what the resemblance rests on.
_PROOF = 3
#: What a text speaks of that this project knows something about.
OURS = Lazy(
    r"nvidia|cuda|gpu|cudnn|cublas|nccl|torch|tensor ?flow|\bt[fp]u?\b|jax|xla|\bxid|nvrm|nvcc|ptxas|\bsm_\d|compute_\d|geforce|[rg]tx\b|tesla|"
    r"triton|keras|onnx|cupy|numba|vllm|xformers|bitsandbytes|\b(?:lib)?nv[a-z]{2}|nouveau|rocm|\bhip|directml|graphics|dxg|tensorrt|\btrt\b|\bcompute \d|显卡|驱动",
    re.I,
)
_WORD = Lazy(r"[a-z]+|0|[\u4e00-\u9fff]")
_DIGITS = Lazy(r"\d+")

Vocabulary = Mapping[str, Mapping[str, int]]


class Likeness(Record):
    """`score`: the cosine between the text's words and the cause's, 0 to 1. `indices`: the lines that weigh most, best
    first."""

    id: str
    score: float
    indices: tuple[int, ...]

    @property
    def confidence(self) -> float:
        """Of public texts without a known wording about half were right at a score of 0.25, two thirds from 0.35 on."""
        return round(min(0.65, 0.25 + self.score), 2)


def words(text: str) -> list[str]:
    """Runs of letters in lower case, each number as "0", each Chinese character: `libcudnn.so.8` is libcudnn, so, 0."""
    return _WORD.findall(_DIGITS.sub("0", text.lower()))


def weights(counts: Mapping[str, int]) -> dict[str, float]:
    """A word said ten times counts three times as much as one said once."""
    return {word: 1 + math.log(count) for word, count in counts.items()}


def rarity(sharing: int, causes: int) -> float:
    """What a word is worth that `sharing` of `causes` vocabularies hold."""
    return math.log((1 + causes) / (1 + sharing)) + 1


def nearest(
    lines: Sequence[str], apart: Collection[int] = (), vocabulary: Vocabulary | None = None
) -> tuple[Likeness, ...]:
    """The causes (and verdicts) whose vocabulary is nearest, best first; none below `LEAST`, none where the text does not speak of
    GPUs or where nobody complains: a manual speaks of every fault, a healthy machine's report has its words. `apart`: indices of
    lines that count for nothing."""
    left = [index for index in range(len(lines)) if index not in apart]
    if len(lines) > MUCH or not any(OURS.search(lines[index]) for index in left):
        return ()
    said = {index: words(lines[index]) for index in _that_matter(lines, left)}
    return _nearest(said, vocabulary if vocabulary is not None else _written_down()) if said else ()


def _nearest(said: Mapping[int, Sequence[str]], known: Vocabulary) -> tuple[Likeness, ...]:
    counts = Counter(word for some in said.values() for word in some)
    shared = {cause: counts.keys() & its.keys() for cause, its in known.items()}
    sharing = Counter(word for some in shared.values() for word in some)
    query = {
        word: weight * rarity(sharing[word], len(known))
        for word, weight in weights(counts).items()
        if word in sharing
    }
    size = math.sqrt(sum(weight * weight for weight in query.values()))
    if not size:
        return ()
    scores = {
        cause: sum(query[word] * known[cause][word] for word in some) / size / SCALE
        for cause, some in shared.items()
    }
    best = sorted((c for c in scores if scores[c] >= LEAST), key=lambda c: (-scores[c], c))[:MOST]
    return tuple(Likeness(c, round(scores[c], 3), _proof(said, query, known[c])) for c in best)


#: The weights of a vocabulary are whole numbers; their squares sum to this one's square.
SCALE = 1000


def _that_matter(lines: Sequence[str], left: Sequence[int]) -> Sequence[int]:
    """All of a short text; of a longer one those lines and their neighbours; none where nobody complains."""
    from gpudoctor.logs.complaints import complains

    complaining = {index for index in left if complains(lines[index])}
    if len(left) <= LONG:
        return left if complaining else ()
    return [index for index in left if complaining & {index - 1, index, index + 1}]


def _proof(
    said: Mapping[int, Sequence[str]], query: Mapping[str, float], its: Mapping[str, int]
) -> tuple[int, ...]:
    worth = {
        index: sum(query[word] * its[word] for word in set(some) if word in query and word in its)
        for index, some in said.items()
    }
    best = sorted((i for i in worth if worth[i]), key=lambda i: (-worth[i], i))[:_PROOF]
    return tuple(i for i in best if worth[i] >= worth[best[0]] / 3)


@lru_cache(maxsize=1)
def _written_down() -> Vocabulary:
    import json

    loader = __spec__.loader if __spec__ is not None else None
    path = os.path.join(os.path.dirname(__file__), "vocabulary.json")
    try:
        raw: bytes = loader.get_data(path)  # type: ignore[union-attr]  # works in a zip, costs no import
        found: Vocabulary = json.loads(raw)
    except (AttributeError, OSError, ValueError):
        return {}
    return found
