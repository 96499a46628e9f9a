"""What a combination needs, in words that can be acted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gpudoctor import knowledge
from gpudoctor.advice import builds
from gpudoctor.advice.question import Question
from gpudoctor.findings import Finding
from gpudoctor.rules.architectures import needed_ptx
from gpudoctor.versions import branch, is_version, release, sm


def runtimes(asked: Question) -> list[tuple[str, str]]:
    """(what, CUDA) of everything in the question that brings a CUDA runtime."""
    runs = asked.runtime or (asked.toolkit if asked.driver else "")
    found = [(f"CUDA {runs}", runs)] if runs else []
    for wheel in asked.wheels:
        row = builds.row_of(asked, wheel)
        if row is not None and row.cuda:
            found.append((wheel.label, row.cuda))
    return found


def least_driver(asked: Question) -> list[str]:
    """ "driver 525.60.13 or newer", for what brings a CUDA runtime, for the GPUs, and for PTX where only that serves a GPU; of
    two the one that says more."""
    system = "linux" if asked.system == "Linux" else "windows"
    found = []
    for _, cuda in runtimes(asked):
        minimum = knowledge.driver_minimum(
            cuda if "." in cuda else f"{cuda}.0", "linux" if system == "linux" else "windows"
        )
        if minimum is None:
            continue
        least = (minimum.compatible or minimum.full) or (f"{minimum.branch}" if minimum.branch else "")
        if least:
            found.append(f"driver {least} or newer")
    newest = max((branch(need.split()[1]) for need in found), default=0)
    for_ptx = _for_ptx(asked)
    if for_ptx > newest:
        # minor-version compatibility ends where the driver has to compile
        newest, found = for_ptx, [f"driver branch {for_ptx} or newer"]
    return list(dict.fromkeys([*found, *_for_gpus(asked, newest)]))


def _for_ptx(asked: Question) -> int:
    """The first branch whose compiler takes the PTX that is all that some GPU has of a wheel, or that the question is about;
    0 where none is needed or known. Windows' branches have the numbers of Linux'."""
    wanted = []
    for wheel in asked.wheels:
        build = builds.build_of(asked, wheel)
        wanted += [needed_ptx(build, card.capability) for card in asked.cards if card.capability]
    if asked.ptx:
        wanted += [knowledge.newest_ptx(release(cuda)) for _, cuda in runtimes(asked) if "." in cuda]
    return max((isa.branch for isa in wanted if isa is not None and isa.branch is not None), default=0)


def _for_gpus(asked: Question, newest: int = 0) -> list[str]:
    """The branch that knows the GPUs, where branch `newest` is not needed anyway; and the kernel module."""
    found = []
    for card in asked.cards if asked.system == "Linux" else ():
        first = knowledge.first_branch(card.capability) if card.capability else None
        bound = first or (knowledge.not_before(card.capability) if card.capability else None)
        flavour = knowledge.module_flavour(card.capability)
        only_open = flavour is not None and flavour.flavours == ("open",)
        if bound is not None and bound.branch > newest:
            with_open = ", with the open kernel module" if only_open else ""
            found.append(f"driver branch {bound.branch} or newer{with_open}")
        elif only_open:
            found.append("the open kernel module")
    return found


def for_findings(asked: Question, findings: Sequence[Finding]) -> tuple[str, ...]:
    found: list[str] = []
    for finding in findings:
        found += _one(asked, finding)
    return tuple(dict.fromkeys(found))


def _one(asked: Question, finding: Finding) -> Iterable[str]:
    name = finding.id
    if name == "driver-too-old-for-gpu":
        return [need for need in _for_gpus(asked) if "branch" in need] or [finding.title]
    if name in ("driver-too-old-for-runtime", "driver-too-old-for-gpu", "container-requirement-unsatisfied"):
        specific = least_driver(asked)
        if specific:
            return specific
    if name == "driver-branch-dropped-gpu":
        lasts = [
            last.branch for c in asked.cards if (last := knowledge.last_branch(c.capability)) is not None
        ]
        if lasts:
            return [f"driver branch {min(lasts)} or older"]
    if name == "host-compiler-too-new":
        row = knowledge.host_compilers(asked.toolkit)
        if row is not None:
            return [f"gcc {row.gcc_max} or older" if asked.gcc else f"clang {row.clang_max} or older"]
    if name in ("nvcc-arch-unsupported", "gpu-too-old-for-toolkit") and not asked.wheels:
        return _toolkits(asked)
    if name == "wheel-lacks-gpu-arch":
        code = f"a build with code for {' and '.join(sm(c.capability) for c in asked.cards if c.capability)}"
        compiles = _for_ptx(asked)
        if not asked.driver or compiles <= branch(asked.driver):
            return [code]
        newer = any(branch(need.split()[2]) >= compiles for need in _for_gpus(asked) if "branch" in need)
        # the GPU itself needs as new a driver: that is said of it, and this follows
        return [] if newer else [f"driver branch {compiles} or newer, or {code}"]
    if name == "gpu-too-old-for-toolkit":
        return [
            f"an older build that still has code for {' and '.join(sm(c.capability) for c in asked.cards if c.capability)}"
        ]
    return [finding.fix.summary] if finding.fix is not None else []


def _toolkits(asked: Question) -> list[str]:
    """The toolkits that compile for the GPU, as a range."""
    from gpudoctor.knowledge.tables import table

    rows = table("toolkits")["rows"]
    found = []
    for card in asked.cards:
        having = [r for row in rows if card.capability in row["targets"] for r in row["releases"]]
        if not having:
            continue
        first, last = having[0], having[-1]
        upper = "" if last == rows[-1]["releases"][-1] else f" to {last}"
        found.append(f"CUDA {first}{upper}{'' if upper else ' or newer'} for {sm(card.capability)}")
    return found


def for_yes(asked: Question) -> tuple[str, ...]:
    found = [] if asked.driver else least_driver(asked)
    if asked.driver and not asked.flavour and asked.system == "Linux":
        for card in asked.cards:
            row = knowledge.module_flavour(card.capability)
            if row is not None and len(row.flavours) == 1:
                found.append(f"the {row.flavours[0]} kernel module for {card.name}")
    if asked.wheel("tensorflow") or asked.wheel("jax"):
        found += _cudnn(asked)
    return tuple(dict.fromkeys(found))


def _cudnn(asked: Question) -> list[str]:
    """An open range of cuDNN takes the newest, which no longer serves every GPU."""
    if asked.cudnn or asked.fresh:
        return []
    newest = knowledge.newest("cudnn").value
    found = []
    for wheel in asked.wheels:
        row = builds.row_of(asked, wheel)
        if row is None or not row.cuda or not is_version(row.cuda):
            continue
        number = int(row.cuda.split(".")[0])
        kernels = knowledge.cudnn_kernels(number, newest)
        exact = any("nvidia-cudnn" in r and "==" in r for r in row.requires)
        for card in asked.cards:
            last = knowledge.last_cudnn(number, card.capability) if card.capability else None
            if exact or kernels is None or last is None or not last.startswith("9.") or last == newest:
                continue
            if float(card.capability) < float(kernels.capabilities[0]):
                found.append(f"nvidia-cudnn-cu{number}<={last} (newer ones have no kernels for {card.name})")
    return found
