"""From a candidate, or from hits that name none, to the answer: title, why, what to do, and the lines that prove it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gpudoctor.findings import Finding, Fix
from gpudoctor.logs import verdicts
from gpudoctor.logs.diagnosis import Diagnosis, ProvingLine
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.matching import Hit
from gpudoctor.logs.ranking import Candidate
from gpudoctor.logs.reading import Text
from gpudoctor.logs.remedies import remedy
from gpudoctor.logs.told import Told
from gpudoctor.rules.page import Page, page_of, parse_page
from gpudoctor.rules.registry import find


def of_cause(candidate: Candidate, text: Text, told: Told, finding: Finding | None) -> Diagnosis:
    like = candidate.likeness
    if candidate.id in verdicts.IDS:
        return _of_verdict(candidate.id, (), text, told, candidate.confidence).replace(
            evidence=_lines(like.indices if like else (), text), basis="resemblance"
        )
    cause = find(candidate.id)
    assert cause is not None
    page = page_of(cause)
    said = [h for h in candidate.hits if h.signature.explanation]
    mending = [h for h in candidate.hits if h.signature.fix]
    explanation = " ".join(
        part
        for part in (
            _filled(said[0].signature.explanation, said[0]) if said else "",
            page.what,
            page.why,
        )
        if part
    )
    fix = remedy(candidate.id, told) or (finding.fix if finding else None)
    if fix is None:
        fix = Fix(_filled(mending[0].signature.fix, mending[0]) if mending else page.fix, id=candidate.id)
    return Diagnosis(
        candidate.id,
        candidate.confidence,
        finding.title if finding else page.title,
        explanation,
        fix,
        _lines(like.indices, text)
        if like
        else _evidence(candidate.hits, text) or (_told_lines(finding, text) if finding else ()),
        candidate.below or None,
        page.sources,
        "wording" if candidate.hits else "resemblance" if like else "facts",
    )


def _filled(template: str, hit: Hit) -> str:
    """The template with the groups of the match. `{name_cuda}` is group `name`, CUDA's number 12040 written as 12.4."""
    from collections import defaultdict

    values: dict[str, str] = defaultdict(lambda: "?", hit.groups)
    for name, value in hit.groups.items():
        if value.isdigit() and 4 <= len(value) <= 6:
            values[f"{name}_cuda"] = f"{int(value) // 1000}.{int(value) % 1000 // 10}"
    return template.format_map(values)


def _evidence(hits: Sequence[Hit], text: Text) -> tuple[ProvingLine, ...]:
    indices: list[int] = []
    for hit in hits:
        indices += [i for i in hit.indices if i not in indices]
    return _lines(indices[:8], text)


def _lines(indices: Iterable[int], text: Text) -> tuple[ProvingLine, ...]:
    return tuple(ProvingLine(text.numbers[i], text.lines[i], text.files[i]) for i in sorted(indices))


#: What of a judgement can be looked up in the text: versions, numbers of three digits and more, names, addresses, paths.
_TOKEN = Lazy(r"[\w.+/:-]*\d[\w.+/:-]*|[A-Z][A-Z0-9]*_[A-Z0-9_]+|[a-z]+-[a-z-]+")
#: Of a judgement that stands on facts alone so many lines are shown.
_LINES_OF_FACTS = 4


def _told_lines(finding: Finding, text: Text) -> tuple[ProvingLine, ...]:
    """The lines on which a judgement of facts stands: the first ones that hold the words of its evidence and title."""
    wanted: list[str] = []
    for one in finding.evidence:
        if not one.value.startswith(("could not look", "not there")):
            wanted += [
                one.value.strip("'\"").partition("; ")[0],
                *_TOKEN.findall(one.value),
                *_TOKEN.findall(one.what),
            ]
    wanted += [finding.subject.name, *_TOKEN.findall(finding.title)]
    low = [line.lower() for line in text.lines]
    indices: list[int] = []
    for value in dict.fromkeys(word.lower().strip(".:-/") for word in wanted):
        if len(value) < 3 or len(indices) >= _LINES_OF_FACTS:
            continue
        pattern = re.compile(rf"(?<![\w.]){re.escape(value)}(?![\w.]*\d)")
        index = next((i for i, line in enumerate(low) if value in line and pattern.search(line)), None)
        if index is not None and index not in indices:
            indices.append(index)
    return _lines(indices, text)


#: A line that complains. What only harmless lines explain away leaves none of these.
_COMPLAINT = Lazy(
    r"\b(?:\w*error|fatal|traceback|\w*exception|failed|failure|cannot|can't|could not|couldn't|unable|aborted|killed|segfault|"
    r"segmentation fault|core dumped|not found|no such|denied|Xid|gone|disappear(?:s|ed)|no longer|crash(?:es|ed)|hangs?|hung|stuck|freezes|"
    r"not (?:used|using|detected|recogni[sz]ed|visible))\b|is_available\(\)\W{0,4}(?:(?:is|returns?|gives?|prints?|->|=) ?)?\W{0,3}False|"
    r"\bGPUs? (?:is|are) (?:not|idle|never)\b|list_physical_devices\([^)]{0,12}\)\W{0,8}(?:returns? )?\[\]",
    re.I,
)


#: Somebody's words for a message that is quoted elsewhere: "I get this weird error", not a complaint of its own.
_MENTION = Lazy(
    r"\b(?:an?|the|this|that|these|those|some|any|following|weird|strange|same|such|get|got|getting|see|seeing) (?:[\w-]+ ){0,2}(?:errors?|exceptions?)\b(?! ?:)",
    re.I,
)


def verdict(hits: Sequence[Hit], text: Text, told: Told, best: float) -> Diagnosis | None:
    """`best`: the confidence of the likeliest cause. A mere symptom does not outrank an ordinary bug that is shown."""
    fault = sorted((h for h in hits if h.id == "not-gpu-environment"), key=lambda h: -h.signature.confidence)
    harmless = [h for h in hits if h.id == "harmless"]
    if fault and (not best or fault[0].signature.confidence >= 0.8):
        return _of_verdict("not-gpu-environment", fault, text, told, fault[0].signature.confidence - 0.1)
    if best:
        return None
    if not harmless:
        return _nothing_wrong(text, told) or _at_work(text, told, frozenset()) or _ordinary(text, told)
    known = explained(harmless, text)
    if complaint_left(text, known):
        return _at_work(text, told, known) or _ordinary(text, told)
    return _of_verdict("harmless", harmless, text, told, 0.8)


def complaint_left(text: Text, known: frozenset[int]) -> bool:
    """A line complains that is none of the known ones."""
    from gpudoctor.logs.ordinary import of_a_person

    return any(
        _COMPLAINT.search(line) and _COMPLAINT.search(_MENTION.sub("", line)) and not of_a_person(line)
        for index, line in enumerate(text.lines)
        if index not in known
    )


def explained(hits: Sequence[Hit], text: Text) -> frozenset[int]:
    """The indices of the lines that are known to be harmless."""
    from gpudoctor.logs.patterns import compiled

    known = [compiled(h.signature.pattern) for h in hits if h.id == "harmless"]
    return frozenset(i for i, line in enumerate(text.lines) if any(p.search(line) for p in known))


def _nothing_wrong(text: Text, told: Told) -> Diagnosis | None:
    """`harmless` for what shows a machine at work and nothing else: nvidia-smi's own output, or log lines of which
    each calls itself information or a warning."""
    from gpudoctor.logs.quiet import nvidia_smi_at_work, only_mild

    seen, indices = nvidia_smi_at_work(text.lines, told)
    confidence = 0.7
    if not seen:
        seen, indices = only_mild(text.lines)
        confidence = 0.5
    if not seen:
        return None
    evidence = _lines(indices[:4], text)
    explanation = (
        "Nothing in this text reports a fault. It does not show what a program says that uses the GPU."
    )
    fix = Fix(
        "Nothing to fix here. If a program fails or does not see the GPU, give its own output, or run `gpudoctor check` on the machine."
    )
    return Diagnosis("harmless", confidence, seen, explanation, fix, evidence, None, ())


def _at_work(text: Text, told: Told, known: frozenset[int]) -> Diagnosis | None:
    """`harmless` for a text whose own lines say that it worked, or that asks whether something is normal, and complains of
    nothing. `known`: the indices of lines that are known to be harmless."""
    from gpudoctor.logs.healthy import at_work

    indices = at_work(text.lines, known)
    return _verdict("harmless", _lines(indices[:4], text), told, 0.55) if indices else None


def _ordinary(text: Text, told: Told) -> Diagnosis | None:
    """`not-gpu-environment` for an exception that no signature knows and in which nothing of a GPU occurs."""
    from gpudoctor.logs.ordinary import ordinary_fault

    indices = ordinary_fault(text.lines)
    return _verdict("not-gpu-environment", _lines(indices[-3:], text), told, 0.45) if indices else None


def _of_verdict(name: str, hits: Sequence[Hit], text: Text, told: Told, confidence: float) -> Diagnosis:
    return _verdict(name, _evidence(hits, text), told, confidence)


def _verdict(name: str, evidence: tuple[ProvingLine, ...], told: Told, confidence: float) -> Diagnosis:
    page: Page = parse_page(verdicts.load(name).__doc__ or "", name)
    explanation = f"{page.what} {page.tell}"
    return Diagnosis(
        name,
        round(confidence, 2),
        page.title,
        explanation,
        remedy(name, told) or Fix(page.fix),
        evidence,
        None,
        page.sources,
    )
