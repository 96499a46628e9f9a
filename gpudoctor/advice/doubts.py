"""Why a yes can't be given although no rule found anything: a rule that could not look, a key that nothing judges, and
what no table and no document says."""

from __future__ import annotations

import re

from gpudoctor import knowledge
from gpudoctor.advice import builds
from gpudoctor.advice.hypothesis import NEWEST_OF_BRANCH, image_version, implemented, pci_id
from gpudoctor.advice.matters import Matter, unjudged
from gpudoctor.advice.names import newer_than_tables
from gpudoctor.advice.question import Question
from gpudoctor.advice.texts import EXTENSIONS
from gpudoctor.facts.frameworks import Cubin
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding, Judgement
from gpudoctor.versions import at_least, branch, capability, major, older, release


class Because(Record):
    """A cause, and what it says of this question. In a yes it is a caveat."""

    id: str
    explanation: str


def said(asked: Question, finding: Finding) -> str:
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


_NEWER = ("driver-newer-than-knowledge", "framework-newer-than-knowledge")


def newer(asked: Question, judgement: Judgement) -> list[Because]:
    """What is newer than the tables is said to be so, and nothing else is."""
    found = [Because(f.id, said(asked, f)) for f in judgement.findings if f.id in _NEWER]
    for what, cuda in (("cuda", asked.runtime), ("toolkit", asked.toolkit)):
        if cuda and newer_than_tables(what, cuda):
            newest = knowledge.newest(what)
            words = f"CUDA {cuda} is newer than the tables, which end at {newest.value} ({newest.checked})"
            found.append(Because("question", words))
    if asked.cudnn and newer_than_tables("cudnn", asked.cudnn):
        newest = knowledge.newest("cudnn")
        words = (
            f"cuDNN {asked.cudnn} is newer than the tables, which end at {newest.value} ({newest.checked})"
        )
        found.append(Because("cudnn-lacks-gpu-kernels", words))
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


def doubts(asked: Question, matters: tuple[Matter, ...], judgement: Judgement) -> list[Because]:
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
        if matter.elsewhere and matter.cause in reasons:
            continue
        if matter.cause not in named:
            found.append(
                Because(
                    matter.cause, f"could not be judged: {reasons.get(matter.cause, 'there is no such rule')}"
                )
            )
    found += _ambiguous(asked)
    for doubt in _DOUBTS:
        found += doubt(asked)
    found += _libraries_before_gpu(asked, judgement)
    open_keys = [*asked.unread, *(k for k in unjudged(asked, matters) if k not in asked.unread)]
    if open_keys:
        found.append(Because("question", f"nothing here judges {', '.join(open_keys)} of this question"))
    if asked.system == "Darwin":
        found.append(Because("question", "CUDA on macOS is in no table"))
    return found


def _ambiguous(asked: Question) -> list[Because]:
    words = "products named {} differ in compute capability: name it with --cc"
    return [Because("question", words.format(c.name)) for c in asked.cards if not c.capability]


def _older_libraries(asked: Question) -> list[Because]:
    """Installed libraries of an older release than the wheel was built with."""
    found = []
    for wheel in asked.wheels:
        wanted = builds.older_than_built(asked, wheel)
        if wanted:
            words = f"{wheel.label} was built with CUDA {wanted}; whether it finds all it calls in the libraries of CUDA "
            words += f"{asked.installed_cuda} is promised by nobody"
            found.append(Because("framework-cuda-version-mismatch", words))
    return found


def _no_requirement(asked: Question) -> list[Because]:
    """A rule on requirements passes where a package names none; here that means that none is in the table."""
    found = []
    for wheel in asked.wheels:
        known = knowledge.requirements(wheel.framework, wheel.version) or ()
        names = {re.split(r"[<>=~! ]", line)[0] for line in known}
        if asked.keras and wheel.framework == "tensorflow" and "keras" not in names:
            words = f"which Keras {wheel.label} takes is not in the table"
            found.append(Because("keras-tensorflow-mismatch", words))
        # PyTorch names none either; from 1.26 on it is known what goes with what.
        torch = wheel.framework == "torch" and at_least(asked.numpy or "0", "1.26")
        if asked.numpy and "numpy" not in names and not torch:
            words = f"which NumPy {wheel.label} takes is not in the table"
            found.append(Because("numpy-too-new-for-framework", words))
    return found


def _foreign_driver(asked: Question) -> list[Because]:
    """On Windows and WSL2 the rules on driver and GPU don't apply: branches have other numbers there."""
    if asked.system == "Linux" or not asked.driver:
        return []
    own = implemented(asked.driver, asked.system)
    found = []
    for card in asked.cards:
        first = knowledge.first_cuda(card.capability) if card.capability else None
        new_enough = isinstance(own, Known) and first is not None and not older(own.value, first)
        if not new_enough or (
            knowledge.last_branch(card.capability) is not None and branch(asked.driver) >= 471
        ):
            words = f"whether Windows' driver {asked.driver} supports {card.name} is not in the tables"
            found.append(Because("driver-too-old-for-gpu", words))
    return found


def _image(asked: Question) -> list[Because]:
    """An image for a newer CUDA than the driver's brings cuda-compat, which is for data-centre GPUs: on others it may get
    in the way, though the image starts."""
    row = knowledge.cuda_image(image_version(asked.image)) if asked.image else None
    own = implemented(asked.driver, asked.system) if asked.driver else None
    if row is None or not isinstance(own, Known) or not older(own.value, release(row.cuda)):
        return []
    if asked.brand == "tesla" or (asked.cards and all(c.kind == "datacenter" for c in asked.cards)):
        return []
    words = f"the image starts, but driver {asked.driver} has CUDA {own.value}, and the image's cuda-compat of CUDA "
    words += f"{release(row.cuda)} is for data-centre GPUs"
    return [Because("forward-compat-unsupported", words)]


def _old_compiler(asked: Question) -> list[Because]:
    """NVIDIA's headers check the newest gcc only; spack knows of oldest ones, from CUDA 11.4 on 6."""
    if not asked.gcc or major(asked.gcc) >= 6:
        return []
    return [Because("host-compiler-too-new", f"whether nvcc still takes gcc {asked.gcc} is in no header")]


#: Packages that are compiled for one torch, which the table does not name.
_FOR_ONE_TORCH = frozenset({"vllm", "flash-attn"})


def _unjudged_packages(asked: Question) -> list[Because]:
    """Packages with GPU code or pins of their own, which nothing here judges."""
    found = []
    for name, version in asked.packages:
        known = knowledge.companion_pin(name, version) is not None
        known = known or bool(knowledge.newest_extension(name))  # the rule says what it does not know
        fits = name in builds.COMPANIONS and not version  # pip takes the one that goes with torch
        concerns = name in builds.COMPANIONS or EXTENSIONS.fullmatch(name)
        if concerns and not known and not fits and not asked.wanted:
            label = f"{name} {version}".strip()
            found.append(
                Because("question", f"what {label} requires and which GPUs it has code for is in no table")
            )
        if known and asked.cards and knowledge.companion_pin(name, version) and name not in builds.COMPANIONS:
            found.append(Because("question", f"which GPUs {name} {version} has code for is in no table"))
        if name in _FOR_ONE_TORCH and asked.wheel("torch"):
            found.append(
                Because("question", f"which torch {f'{name} {version}'.strip()} is for is in no table")
            )
    return found


def _target(asked: Question) -> list[Because]:
    """Compiling for a target is one thing, running on the GPU beside it another."""
    from gpudoctor.rules.targets import cubin_runs

    found = []
    for card in asked.foreign:
        target = asked.cards[0].capability
        if not card.capability or cubin_runs(Cubin(target), capability(card.capability)) != "yes":
            words = f"code for compute capability {target} is not known to run on {card.name} ({card.capability or '?'})"
            found.append(Because("question", words))
    return found


_DOUBTS = (
    _unjudged_packages,
    _target,
    _compat,
    _older_libraries,
    _no_requirement,
    _foreign_driver,
    _image,
    _old_compiler,
)
