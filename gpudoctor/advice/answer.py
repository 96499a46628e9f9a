"""The judgement of a what-if, and what follows from it.

A no needs one rule that found something; a yes needs every rule that the question raises to have passed; all else is
not known."""

from __future__ import annotations

from collections.abc import Iterable, Set
from functools import lru_cache

from gpudoctor import knowledge
from gpudoctor.advice import builds, needed
from gpudoctor.advice.doubts import Because, doubts, newer, said
from gpudoctor.advice.hypothesis import implemented, machines
from gpudoctor.advice.matters import Matter, raised
from gpudoctor.advice.question import Question
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence, Judgement
from gpudoctor.rules.registry import Cause, find
from gpudoctor.versions import compare, is_version, major, release


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


def works(asked: Question, suspects: Set[str]) -> bool:
    """Whether the answer is yes. `suspects`: the causes that most likely say no; they are asked first, because nearly all
    candidates for a recommendation fall to them."""
    asked = settled(asked)
    matters = raised(asked)
    first = {m.cause: m for m in matters if m.cause in suspects}
    possible = list(machines(asked))
    if first:
        judgement = judge(possible[-1], [c for name in first if (c := _cause(name)) is not None])
        if any(f.severity not in first[f.id].harmless for f in judgement.findings):
            return False
    return all(_of_machine(asked, machine, matters).compatible for machine in possible)


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
    severe = [f for f in judgement.findings if f.severity not in harmless[f.id]]
    counted = [f for f in severe if f.id not in opening]
    if counted:
        roots = [f for f in counted if f.caused_by is None or f.caused_by not in {c.id for c in counted}]
        because = tuple(Because(f.id, said(asked, f)) for f in roots)
        return Verdict(False, because, needed.for_findings(asked, roots), judgement)
    open_ends = [*newer(asked, judgement), *(Because(f.id, said(asked, f)) for f in severe)]
    open_ends = open_ends or doubts(asked, matters, judgement)
    if open_ends:
        return Verdict(None, tuple(open_ends), (), judgement)
    caveats = [Because(f.id, said(asked, f)) for f in judgement.findings]
    return Verdict(True, (*caveats, *_minor(asked)), needed.for_yes(asked), judgement)


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
