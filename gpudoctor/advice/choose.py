"""Which build to install on a machine: candidates from the tables, newest first, each judged as a question of its own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.advice import builds, needed
from gpudoctor.advice.answer import Verdict, decide, understood
from gpudoctor.advice.doubts import Because
from gpudoctor.advice.names import Card
from gpudoctor.advice.nearest import hopeless, newest_patches, releases, variants
from gpudoctor.advice.question import Question, Wheel
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence
from gpudoctor.versions import is_version, major, numbers

TARGETS = ("torch", "tensorflow", "jax")


class Choice(Record):
    """A build that works. `cudnn`: a pin beside it ("nvidia-cudnn-cu12<=9.10.2.21"), "" where none is needed.
    `caveats` of the judgement; `left_out`: GPUs that it does not serve; `freed`: what of the machine has to change."""

    asked: Question
    verdict: Verdict
    cudnn: str = ""
    left_out: tuple[Card, ...] = ()
    freed: tuple[str, ...] = ()

    @property
    def wheel(self) -> Wheel:
        return self.asked.wheels[0]

    @property
    def row(self) -> knowledge.FrameworkBuild:
        row = builds.row_of(self.asked, self.wheel)
        assert row is not None  # a build that is in no table is never a yes
        return row


class Choices(Record):
    """`best` is None where nothing works: then `because` and `needs` are those of the build that came nearest, and
    `possible` is None where knowledge ends and False where every build was refused."""

    best: Choice | None
    runners_up: tuple[Choice, ...] = ()
    possible: bool | None = True
    because: tuple[Because, ...] = ()
    needs: tuple[str, ...] = ()


def choose(asked: Question, target: str, version: str = "", variant: str = "") -> Choices:
    """The newest build for all the GPUs as the machine is; else what changes least: another Python, a newer driver, both;
    else for as many of the GPUs as possible."""
    refused: list[Verdict] = []
    for cards in subsets(asked.cards):
        some = asked.replace(cards=cards)
        out = tuple(c for c in asked.cards if c not in cards)
        for freed in _freedoms(some):
            found = list(itertools.islice(_working(_free(some, freed), target, version, variant, refused), 3))
            if found:
                best = found[0].replace(left_out=out, freed=freed)
                others = [c.replace(left_out=out, freed=freed) for c in found[1:]]
                others += _newer(some, best, target) if not version else []
                return Choices(best, tuple(others[:4]))
    return Choices(None, (), *_why(asked, refused))


def _why(asked: Question, refused: list[Verdict]) -> tuple[bool | None, tuple[Because, ...], tuple[str, ...]]:
    if not refused:
        return None, (Because("question", "the tables hold no build of that kind for this system"),), ()
    open_ends = [v for v in refused if v.compatible is None]
    verdict = open_ends[0] if open_ends else refused[0]
    return verdict.compatible, verdict.because, (*verdict.needs, *_of_jetson(asked))


#: Where builds for Jetson's GPUs come from, which are in no table here.
JETSON = "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/index.html"


def _of_jetson(asked: Question) -> tuple[str, ...]:
    if not any(card.kind == "tegra" for card in asked.cards):
        return ()
    return (f"NVIDIA's own builds for Jetson, which go with its JetPack: {JETSON}",)


def subsets(cards: tuple[Card, ...]) -> Iterator[tuple[Card, ...]]:
    """All GPUs; then without one kind, and so on. The newer kinds are kept first. Not split: GPUs of one kind."""
    kinds = sorted({c.capability for c in cards}, key=lambda c: numbers(c) if c else (0,), reverse=True)
    if not kinds:
        yield cards
    for size in range(len(kinds), 0, -1):
        for kept in itertools.combinations(kinds, size):
            yield tuple(c for c in cards if c.capability in kept)


def _freedoms(asked: Question) -> Iterator[tuple[str, ...]]:
    given = [name for name in ("python", "driver") if getattr(asked, name)]
    for size in range(len(given) + 1):
        yield from itertools.combinations(given, size)


def _free(asked: Question, names: tuple[str, ...]) -> Question:
    return asked.replace(**dict.fromkeys(names, ""))


def _newer(asked: Question, best: Choice, target: str) -> list[Choice]:
    """What a newer driver or another Python would allow, if that is a newer release."""
    found = []
    for freed in _freedoms(asked):
        first = next(_working(_free(asked, freed), target, "", "", []), None)
        if first is not None and numbers(first.wheel.version) > numbers(best.wheel.version):
            found.append(first.replace(freed=freed, left_out=best.left_out))
            break
    return found


def _working(
    asked: Question, target: str, version: str, variant: str, refused: list[Verdict]
) -> Iterator[Choice]:
    """What works, newest release first; of one release the build with the fewest caveats, then that of the default
    index, then the newest CUDA."""
    found = [version] if version else list(reversed(newest_patches(releases(target))))
    if not version and asked.system == "Windows" and target == "tensorflow":
        found = found[:1]  # nobody is sent back to 2.10 who did not name it: WSL2 has the newest
    for one in found:
        working = []
        for wheel in _wheels(target, one, variant):
            question = _question(asked, wheel)
            # Two builds of every hundred are worth a judgement; without any, the newest says why.
            if refused and any(hopeless(question, w) for w in question.wheels):
                continue
            choice = _judged(question)
            if choice.verdict.compatible:
                working.append(choice)
            else:
                refused.append(choice.verdict)
        yield from sorted(working, key=_rank)


def _rank(choice: Choice) -> tuple[int, bool, tuple[int, ...]]:
    cuda = numbers(choice.row.cuda or "0")
    return len(choice.verdict.because), not on_default_index(choice), tuple(-n for n in cuda)


def _wheels(target: str, version: str, variant: str) -> list[Wheel]:
    if target == "torch":
        return [Wheel(target, version, v) for v in ([variant] if variant else variants(target, version))] or [
            Wheel(target, version)
        ]
    if target == "jax":
        names = [variant] if variant else ["cuda13", "cuda12"]
        # plugins before jax[cuda12] had another extra, and no pins
        rows = {name: knowledge.jax_build(f"jax-{name}-plugin", version) for name in names}
        return [
            Wheel(target, version, name) for name, row in rows.items() if row is not None and row.requires
        ]
    return [Wheel(target, version)]


def _question(asked: Question, wheel: Wheel) -> Question:
    """The machine with this wheel installed into it, freshly: open ranges come out newest."""
    plugin = f"jax-{wheel.variant}-plugin" if wheel.framework == "jax" else ""
    asked = asked.replace(wheels=(wheel,), plugin=plugin)
    row = builds.row_of(asked, wheel)
    if row is not None and not asked.python:
        asked = asked.replace(python=usual_python(row))
    given = ["gpu"] * bool(asked.cards) + ["driver"] * bool(asked.driver) + ["python"] * bool(asked.python)
    asked = asked.replace(given=(*given, wheel.framework), fresh=True)
    packages = builds.cudnn_packages(asked)
    known = [p for p in packages if knowledge.cudnn_kernels(int(p.name[-2:]), p.version)]
    return asked if known and len(known) == len(packages) else asked.replace(fresh=False)


def _judged(asked: Question) -> Choice:
    verdict = decide(asked)
    row = builds.row_of(asked, asked.wheels[0])
    if verdict.compatible or row is None or {b.id for b in verdict.because} != {"cudnn-lacks-gpu-kernels"}:
        return Choice(asked, verdict)
    pin = _older_cudnn(asked, row)
    if not pin:
        return Choice(asked, verdict)
    number = major(row.cuda or "12")
    pinned = asked.replace(cudnn=pin, cudnn_cuda=number, fresh=False)
    return Choice(pinned, decide(pinned), f"nvidia-cudnn-cu{number}<={pin}")


def _older_cudnn(asked: Question, row: knowledge.FrameworkBuild) -> str:
    """The newest cuDNN with kernels for all the GPUs that the wheel's own range allows."""
    from packaging.requirements import Requirement

    number = major(row.cuda or "12")
    lasts = [knowledge.last_cudnn(number, c.capability) for c in asked.cards]
    known = [last for last in lasts if last]
    pins = [Requirement(line) for line in row.requires if line.startswith("nvidia-cudnn")]
    if not known or len(known) != len(lasts) or not pins:
        return ""
    least = min(known, key=numbers)
    return least if all(pin.specifier.contains(least) for pin in pins) else ""


def usual_python(row: knowledge.FrameworkBuild) -> str:
    """Where nobody said which: the newest Python that the newest torch, TensorFlow and JAX all have wheels for, or the
    newest that this build has."""
    common = set(row.pythons)
    for name in TARGETS:
        other = _newest_row(name)
        common &= set(other.pythons) if other else common
    return max(common or set(row.pythons), key=numbers)


def _newest_row(target: str) -> knowledge.FrameworkBuild | None:
    version = knowledge.newest(target).value
    if target == "torch":
        return knowledge.torch_build(version)
    if target == "tensorflow":
        return knowledge.tensorflow_build(version)
    return knowledge.jax_build("jax-cuda12-plugin", version)


def on_default_index(choice: Choice) -> bool:
    """Whether a plain `pip install` gets this build. PyTorch publishes one variant there, for Linux."""
    wheel, asked = choice.wheel, choice.asked
    if wheel.framework != "torch":
        return True
    system = "linux" if asked.system in ("Linux", "WSL2") else asked.system.lower()
    plain = knowledge.torch_build(wheel.version, "", asked.machine, system)
    return plain is not None and plain.variant == choice.row.variant and plain.cuda == choice.row.cuda


def driver_needed(choice: Choice) -> str:
    """ "driver 580 or newer"; "" where the machine's own will do."""
    if choice.asked.driver:
        return ""
    found = needed.least_driver(choice.asked)
    lasts = [
        last.branch for c in choice.asked.cards if (last := knowledge.last_branch(c.capability)) is not None
    ]
    return "; ".join([*found, *([f"no newer than branch {min(lasts)}"] if lasts else [])])


def reasons(choice: Choice) -> tuple[Evidence, ...]:
    """Why this one, with the sources of what was looked up."""
    row, label = choice.row, choice.wheel.label
    found = [Evidence(f"{e.what}", e.value, e.via) for e in understood(choice.asked)]
    if row.capabilities is not None:
        code = ", ".join([*row.capabilities, *(f"{p}+PTX" for p in row.ptx or ())])
        found.append(Evidence("GPU code", f"{label} holds {code}", row.source))
    found.append(Evidence("Python", f"{label} has wheels for {', '.join(row.pythons)}", row.source))
    if choice.cudnn:
        number, last = re.findall(r"\d+(?:\.\d+)*", choice.cudnn)[:2]
        kernels = knowledge.cudnn_kernels(int(number), last)
        words = (
            f"{choice.cudnn}: newer ones have no kernels for {', '.join(c.name for c in choice.asked.cards)}"
        )
        found.append(Evidence("cuDNN", words, kernels.source if kernels else ""))
    found += [Evidence(b.id, b.explanation, "the rules of check") for b in choice.verdict.because]
    if choice.wheel.framework == "tensorflow" and not row.requires:
        words = f"{label} brings no CUDA: install CUDA {row.cuda} and cuDNN {row.cudnn} beside it"
        found.append(Evidence("CUDA", words, row.source))
    for card in choice.left_out:
        words = f"{card.name} is left out: no build serves it together with the others"
        found.append(Evidence("left out", words, "every build of the tables was judged"))
    for name in choice.freed:
        words = f"no build works with the {name} that is there"
        found.append(Evidence(name, words, "every build of the tables was judged"))
    newest = knowledge.newest(choice.wheel.framework)
    if is_version(choice.wheel.version):
        found.append(Evidence("tables", f"they end at {label.split()[0]} {newest.value}", newest.checked))
    return tuple(found)
