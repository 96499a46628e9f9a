"""A build's GPU code against a GPU, with what else the build tells: shared by the rules that ask it."""

from __future__ import annotations

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Build, Ptx, Targets
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Evidence
from gpudoctor.knowledge.records import PtxIsa
from gpudoctor.rules.judging import driver_cuda
from gpudoctor.rules.targets import Served, serves, spelled
from gpudoctor.versions import capability as parse
from gpudoctor.versions import is_version, numbers, release


def judged(build: Build, capability: str, gpu: Gpu) -> Served:
    """How this GPU is served by the build. Where the source of the targets does not tell the PTX's ISA version, it is
    taken to be that of the CUDA that the build was made with."""
    driver = value_of(driver_cuda(gpu), "")
    newest = knowledge.newest_ptx(release(driver)) if is_version(driver) else None
    return serves(_dated(build), capability, newest.isa if newest is not None else None)


def needed_ptx(build: Build, capability: str) -> PtxIsa | None:
    """The PTX ISA version that a driver has to compile before this GPU is served: the oldest that serves it. None where machine
    code serves it, where nothing does, and where the version is not known."""
    if not isinstance(build.targets, Known):
        return None
    targets = _dated(build)
    isas = sorted({p.isa for p in targets.ptx if p.isa}, key=numbers)
    if serves(targets, capability, None).how == "cubin":
        return None
    least = next((isa for isa in isas if serves(targets, capability, isa).how == "ptx"), "")
    return knowledge.ptx_isa(least) if least else None


def _dated(build: Build) -> Targets:
    assert isinstance(build.targets, Known)
    targets = build.targets.value
    cuda = value_of(build.cuda, "")
    own = knowledge.newest_ptx(release(cuda)) if is_version(cuda) and "." in cuda else None
    if own is None:
        return targets
    return targets.replace(ptx=tuple(Ptx(p.capability, p.variant, p.isa or own.isa) for p in targets.ptx))


def older_than_all(targets: Targets, capability: str) -> bool:
    """The GPU is older than everything in the build: another cause than a build that is too old."""
    held = [parse(c.capability) for c in targets.cubins] + [parse(p.capability) for p in targets.ptx]
    return bool(held) and parse(capability) < min(held)


def share(targets: Targets, capability: str) -> str:
    """ "1119 of 1600 containers", "" where the containers were not counted."""
    counts = value_of(targets.serving, None)
    if not counts or not targets.containers:
        return ""
    wanted = parse(capability)
    below = [key for key in counts if parse(key)[0] == wanted[0] and parse(key) <= wanted]
    count = counts[max(below, key=parse)] if below else 0
    return f"{count} of {targets.containers} containers"


def code_evidence(build: Build, capability: str) -> tuple[Evidence, ...]:
    assert isinstance(build.targets, Known)
    targets = build.targets.value
    held = [spelled(c) for c in targets.cubins] + [spelled(p) for p in targets.ptx]
    found = [Evidence("GPU code that it holds", ", ".join(held) or "none", build.targets.via)]
    counted = share(targets, capability)
    if counted:
        found.append(Evidence(f"machine code that serves {capability}", counted, targets.library))
    return tuple(found)
