"""The judgement of a what-if, and what follows from it.

A no needs one rule that found something; a yes needs every rule that the question raises to have passed; all else is
not known."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from gpudoctor import knowledge
from gpudoctor.advice import builds, needed
from gpudoctor.advice.hypothesis import NEWEST_OF_BRANCH, implemented, machines, pci_id
from gpudoctor.advice.matters import Matter, raised, unjudged
from gpudoctor.advice.names import newer_than_tables
from gpudoctor.advice.question import Question
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence, Finding, Judgement
from gpudoctor.rules.registry import Cause, find
from gpudoctor.versions import compare, is_version, major, release


class Because(Record):
    """A cause, and what it says of this question. In a yes it is a caveat."""

    id: str
    explanation: str


class Verdict(Record):
    """`compatible`: None where knowledge ends, and then `because` says where. `needs`: what would have to be true of
    the machine. `findings` and the rest of the judgement are those of the rules that decided."""

    compatible: bool | None
    because: tuple[Because, ...] = ()
    needs: tuple[str, ...] = ()
    judgement: Judgement = Judgement()


class Answer(Record):
    """`recommend`: the nearest combination that works, "" where none was found or none is needed. `understood`: how
    names and open parts of the question were read."""

    compatible: bool | None
    because: tuple[Because, ...]
    needs: tuple[str, ...]
    recommend: str
    understood: tuple[Evidence, ...]
    judgement: Judgement


def answer(asked: Question) -> Answer:
    from gpudoctor.advice.nearest import nearest

    verdict = decide(asked)
    recommend = nearest(asked, verdict) if verdict.compatible is False else ""
    return Answer(
        verdict.compatible, verdict.because, verdict.needs, recommend, understood(asked), verdict.judgement
    )


def decide(asked: Question) -> Verdict:
    """The verdict for every machine that fits the question; they must agree."""
    asked = settled(asked)
    matters = raised(asked)
    verdicts = [_of_machine(asked, machine, matters) for machine in machines(asked)]
    first = verdicts[0]
    if any(v.compatible != first.compatible for v in verdicts):
        # the release within a branch, or the CUDA of a cuDNN, decides and was not named
        split = next(v for v in verdicts if v.compatible is not True)
        because = tuple(Because(b.id, f"it depends on the release: {b.explanation}") for b in split.because)
        return split.replace(compatible=None, because=because)
    return verdicts[-1] if first.compatible else first


def settled(asked: Question) -> Question:
    """GPUs that need different flavours of the kernel module can't share a machine: no flavour serves both."""
    if asked.flavour or len(asked.cards) < 2 or asked.system != "Linux":
        return asked
    rows = [knowledge.module_flavour(card.capability) for card in asked.cards]
    flavours = [set(row.flavours) for row in rows if row is not None]
    return asked if not flavours or set.intersection(*flavours) else asked.replace(flavour="open")


@lru_cache(maxsize=256)
def _cause(name: str) -> Cause | None:
    return find(name)


def _of_machine(asked: Question, machine: Machine, matters: tuple[Matter, ...]) -> Verdict:
    causes = [c for m in matters if (c := _cause(m.cause)) is not None]
    judgement = judge(machine, causes)
    harmless = {m.cause: m.harmless for m in matters}
    opening = {m.cause for m in matters if not m.decides}
    said = [f for f in judgement.findings if f.severity not in harmless[f.id]]
    counted = [f for f in said if f.id not in opening]
    caveats = [f for f in judgement.findings if f not in said]
    roots = [f for f in counted if f.caused_by is None or f.caused_by not in {c.id for c in counted}]
    if counted:
        because = tuple(Because(f.id, _said(asked, f)) for f in roots)
        return Verdict(False, because, needed.for_findings(asked, roots), judgement)
    doubts = [*_newer(asked, judgement), *(Because(f.id, _said(asked, f)) for f in said)]
    doubts = doubts or _doubts(asked, matters, judgement)
    if doubts:
        return Verdict(None, tuple(doubts), (), judgement)
    notes = [Because(f.id, _said(asked, f)) for f in caveats]
    return Verdict(True, (*notes, *_minor(asked)), needed.for_yes(asked), judgement)


def _said(asked: Question, finding: Finding) -> str:
    return plain(asked, finding.title)


def plain(asked: Question, text: str) -> str:
    """In the question's own words: a branch's newest release has a number of ours, and GPUs have no places yet."""
    text = text.replace(NEWEST_OF_BRANCH, " (its newest release)")
    for index, card in enumerate(asked.cards):
        text = text.replace(f"GPU {index} {card.name}", card.name)
        if not card.device:
            unnamed = f"GPU 10de:{pci_id(index, card):04x}"
            text = text.replace(f"the {unnamed}", card.name).replace(unnamed, card.name)
    runs = asked.runtime or asked.toolkit
    text = text.replace(
        f"cuda-runtime {runs} is built with CUDA {runs}, and", f"CUDA {runs} is asked for, and"
    )
    return text.replace(f" in {builds.PYTHON}", "").replace(f" in {builds.PREFIX}", "")


def _doubts(asked: Question, matters: tuple[Matter, ...], judgement: Judgement) -> list[Because]:
    """Why a yes can't be given: raised, and not judged; or judged by nothing."""
    found = [Because(s.id, plain(asked, s.reason)) for s in judgement.skipped]
    found += [Because(c.id, f"this rule broke: {c.error}") for c in judgement.crashed]
    named = {s.id for s in judgement.skipped} | {f.id for f in judgement.findings} | set(judgement.passed)
    reasons = {n.id: n.reason for n in judgement.not_applicable}
    for matter in matters:
        if matter.cause in _NEWER:
            continue
        if matter.cause == "forward-compat-unsupported" and matter.cause in reasons:
            continue  # "allowed on this GPU" is how that rule says yes
        if matter.cause not in named:
            found.append(
                Because(
                    matter.cause, f"could not be judged: {reasons.get(matter.cause, 'there is no such rule')}"
                )
            )
    for wheel in asked.wheels:
        if builds.older_than_built(asked, wheel):
            row = builds.row_of(asked, wheel)
            built = row.cuda if row else "?"
            found.append(
                Because(
                    "framework-cuda-version-mismatch",
                    f"{wheel.label} was built with CUDA {built}; whether it finds all it calls in the libraries of CUDA {asked.installed_cuda} is promised by nobody",
                )
            )
    found += _compat(asked)
    found += _libraries_before_gpu(asked, judgement)
    found += [
        Because("question", f"products named {c.name} differ in compute capability: name it with --cc")
        for c in asked.cards
        if not c.capability
    ]
    open_keys = [*asked.unread, *(k for k in unjudged(asked, matters) if k not in asked.unread)]
    if open_keys:
        found.append(Because("question", f"nothing here judges {', '.join(open_keys)} of this question"))
    if asked.system == "Darwin":
        found.append(Because("question", "CUDA on macOS is in no table"))
    return found


_NEWER = ("driver-newer-than-knowledge", "framework-newer-than-knowledge")


def _newer(asked: Question, judgement: Judgement) -> list[Because]:
    """What is newer than the tables is said to be so, and nothing else is."""
    found = [Because(f.id, _said(asked, f)) for f in judgement.findings if f.id in _NEWER]
    for what, cuda in (("cuda", asked.runtime), ("toolkit", asked.toolkit)):
        if cuda and newer_than_tables(what, cuda):
            newest = knowledge.newest(what)
            words = f"CUDA {cuda} is newer than the tables, which end at {newest.value} ({newest.checked})"
            found.append(Because("question", words))
    return found


def _libraries_before_gpu(asked: Question, judgement: Judgement) -> list[Because]:
    """PTX runs on a GPU that came later; whether CUDA's own libraries of that time do, no source says."""
    if "wheel-lacks-gpu-arch" not in {f.id for f in judgement.findings}:
        return []
    found = []
    for wheel in asked.wheels:
        row = builds.row_of(asked, wheel)
        cuda = asked.installed_cuda or (row.cuda if row and row.cuda else "")
        targets = knowledge.toolkit_targets(cuda) if "." in cuda else None
        late = [c.name for c in asked.cards if targets is None or c.capability not in targets.sm]
        if late:
            words = f"{wheel.label} runs on {', '.join(late)} by PTX only, and came with libraries of CUDA {cuda}, which is older than that GPU: whether these serve it is documented nowhere"
            found.append(Because("wheel-lacks-gpu-arch", words))
    return found


def _compat(asked: Question) -> list[Because]:
    """cuda-compat also wants a driver of certain branches: NVIDIA's image of that CUDA lists them."""
    if not asked.compat or not asked.driver:
        return []
    from gpudoctor.parsers.require_cuda import fulfilled

    own = implemented(asked.driver, asked.system)
    properties = {"driver": asked.driver, "brand": "tesla"}
    if isinstance(own, Known):
        properties["cuda"] = own.value
    versions = [v for v in knowledge.cuda_image_versions() if release(v) == release(asked.compat)]
    row = knowledge.cuda_image(versions[-1]) if versions else None
    if row is not None and fulfilled(row.require, properties):
        return []
    words = f"whether cuda-compat of CUDA {asked.compat} runs on driver {asked.driver} is not in the tables"
    return [Because("forward-compat-unsupported", words)]


def _minor(asked: Question) -> Iterable[Because]:
    """Minor-version compatibility covers machine code, never PTX: the caveat of a yes."""
    if not asked.driver or asked.compat or asked.ptx:
        return
    has = implemented(asked.driver, asked.system)
    if not isinstance(has, Known):
        return
    for label, cuda in needed.runtimes(asked):
        if (
            is_version(cuda)
            and "." in cuda
            and major(cuda) == major(has.value)
            and compare(release(cuda), release(has.value)) > 0
        ):
            yield Because(
                "ptx-newer-than-driver",
                f"driver {asked.driver} has CUDA {has.value}: {label} runs by minor-version compatibility, which covers "
                f"machine code only; PTX of CUDA {release(cuda)} can't be compiled by this driver",
            )


def understood(asked: Question) -> tuple[Evidence, ...]:
    found = [
        Evidence(
            "GPU",
            f"{card.name}: compute capability {card.capability or 'not decided by the name'}",
            card.source,
        )
        for card in asked.cards
    ]
    for wheel in asked.wheels:
        row = builds.row_of(asked, wheel)
        if row is not None:
            cuda = f"CUDA {row.cuda}" if row.cuda else "no CUDA"
            found.append(Evidence(wheel.framework, f"{wheel.label}: built with {cuda}", row.source))
    if asked.runtime:
        found.append(Evidence("cuda", f"the CUDA {asked.runtime} runtime", "as asked"))
    if asked.toolkit:
        found.append(Evidence("toolkit", f"CUDA {asked.toolkit}", "as asked"))
    if asked.installed_cuda:
        found.append(Evidence("cuda", f"installed libraries of CUDA {asked.installed_cuda}", "as asked"))
    if asked.driver and "." not in asked.driver:
        found.append(Evidence("driver", f"any release of branch {asked.driver}", "as asked"))
    if asked.driver and isinstance(has := implemented(asked.driver, asked.system), Known):
        found.append(Evidence("driver", f"{asked.driver} implements CUDA {has.value}", has.via))
    return tuple(found)
