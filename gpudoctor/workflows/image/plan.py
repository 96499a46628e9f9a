"""`image plan`: the build that `plan` chooses, a base that it runs on, and the files that make an image of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor import knowledge
from gpudoctor.advice.choose import Choice
from gpudoctor.advice.commands import Advice, Planned
from gpudoctor.advice.route import Route
from gpudoctor.engine import judge
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.image import Image
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence, Judgement
from gpudoctor.images.planned import Base, ImagePlan, Wish, planned
from gpudoctor.knowledge.mirrors import Profile, profile
from gpudoctor.parsers import dockerfile
from gpudoctor.rules.registry import causes
from gpudoctor.versions import at_least, major, numbers, release
from gpudoctor.workflows import plan as plans

PYTHON_IMAGES = "https://hub.docker.com/_/python"
#: Official images of Python on Debian 12 are made for these.
OLDEST_PYTHON, NEWEST_PYTHON = "3.8", "3.14"
#: Python of each Ubuntu that NVIDIA makes images on (https://packages.ubuntu.com/search?keywords=python3).
UBUNTU_PYTHON = {"ubuntu24.04": "3.12", "ubuntu22.04": "3.10", "ubuntu20.04": "3.8", "ubuntu18.04": "3.6"}
_DIGEST = re.compile(r"(?P<image>[^@\s]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?")


class Request(Record):
    """`given`: gpu, cc, driver, python, machine. `base`: the user's own, "" for the one that fits."""

    target: str
    version: str = ""
    given: Mapping[str, Any] = {}
    snapshot: str = ""
    mirror: str = "none"
    base: str = ""
    name: str = ""
    classic: bool = False


class Result(Record):
    """`plan` None where nothing fits: then `found` says why and `nearest` what would. `judgement`: of our own rules on
    what was planned."""

    plan: ImagePlan | None
    found: Planned
    nearest: str
    judgement: Judgement
    exit_code: int


def plan(request: Request) -> Result:
    """Raises GpudoctorError for unknown names, and where no GPU can be seen."""
    mirror = profile(request.mirror)
    found = _chosen(request, request.version, request.given)
    if found.advice is not None and found.choices.best is not None and _needs_system_cuda(found.choices.best):
        found = _on_a_distributions_python(request, found)
    best = found.choices.best
    if found.advice is None or best is None:
        return Result(None, found, _nearest(request), Judgement(), plans.exit_code(found))
    if best.asked.system == "Windows":
        raise GpudoctorError(
            "images for NVIDIA GPUs are Linux images",
            context="--os windows",
            note="nothing was planned",
            hint="plan for WSL2: --os wsl2",
        )
    cuda, cudnn = best.row.cuda or "", best.cudnn or best.row.cudnn or ""
    base = _given(request.base, found.advice.python) if request.base else _base(best, found.advice)
    made = planned(
        found.advice,
        base,
        cuda,
        cudnn,
        best.asked.machine,
        best.asked.driver,
        _wish(request, mirror, found.advice),
    )
    judgement = _judged(made)
    failed = any(f.severity == "failure" for f in judgement.findings)
    unsure = bool(judgement.skipped or judgement.crashed)
    code = 1 if failed else EXIT_CANNOT_TELL if unsure else 0
    return Result(None if failed else made, found, "", judgement, code)


def _chosen(request: Request, version: str, given: Mapping[str, Any]) -> Planned:
    """What `gpudoctor plan` says, by the same way."""
    return plans.plan(request.target, version, given, request.snapshot, Route(profile(request.mirror)))


def _wish(request: Request, mirror: Profile, advice: Advice) -> Wish:
    apt = {rule.path: rule.to for rule in mirror.apt if rule.verified}
    return Wish(
        request.name,
        request.classic,
        mirror.pip_index,
        next((url for url in advice.indexes if url != mirror.pip_index), ""),
        apt.get("/ubuntu", ""),
        apt.get("/debian", ""),
    )


def _judged(made: ImagePlan) -> Judgement:
    """Our own rules on our own Dockerfile: a base that the user named may be retired."""
    recipe = dockerfile.parse(made.files[0].text, made.files[0].path)
    selected = tuple(c for c in causes() if c.family == "images")
    return judge(Machine(image=Image(dockerfile=Known(recipe, "image plan"))), selected)


# ---------------------------------------------------------------- the base


def _needs_system_cuda(best: Choice) -> bool:
    return best.wheel.framework == "tensorflow" and not best.row.requires


def _given(text: str, python: str) -> Base:
    match = _DIGEST.fullmatch(text)
    if match is None:
        raise GpudoctorError(f"{text!r} is no image", context="--base", note="nothing was planned")
    return Base(
        match["image"],
        match["digest"] or "",
        "",
        (
            Evidence(
                "base",
                f"{match['image']}, as asked; it has to bring Python {python}, or another that the wheel is for, with venv",
                "--base",
            ),
        ),
    )


def _base(best: Choice, advice: Advice) -> Base:
    if _needs_system_cuda(best):
        return _cuda_base(best)
    python = advice.python
    if not at_least(python, OLDEST_PYTHON) or not at_least(NEWEST_PYTHON, python):
        raise GpudoctorError(
            f"no base image with Python {python} is known",
            note="nothing was planned",
            hint="name one with --base, or another Python with --python",
        )
    image = f"python:{python}-slim-bookworm"
    words = f"{image}: Python {python} on Debian 12 (glibc 2.36); CUDA {best.row.cuda} comes with the wheels"
    return Base(image, "", "", (Evidence("base", words, PYTHON_IMAGES),))


def _cuda_base(best: Choice) -> Base:
    tag, source = _cuda_tag(best, best.asked.python)
    words = f"nvidia/cuda:{tag}: the wheel brings no CUDA, and wants CUDA {best.row.cuda} and cuDNN {best.row.cudnn}"
    return Base(f"nvidia/cuda:{tag}", "", "python3 python3-venv", (Evidence("base", words, source),))


def _cuda_tag(best: Choice, python: str) -> tuple[str, str]:
    """The newest image of the wheel's CUDA release with its cuDNN, on the Ubuntu with that Python; ("", "") if none."""
    wanted = f"cudnn{major(best.row.cudnn)}-runtime" if best.row.cudnn else "runtime"
    for version in reversed(knowledge.cuda_image_versions()):
        row = knowledge.cuda_image(version) if release(version) == release(best.row.cuda or "0.0") else None
        for tag in row.tags if row else ():
            flavour, _, distro = tag.partition("-")[2].rpartition("-")
            if flavour in (wanted, "cudnn-runtime") and UBUNTU_PYTHON.get(distro) == python:
                assert row is not None
                return tag, row.source
    return "", ""


def _on_a_distributions_python(request: Request, found: Planned) -> Planned:
    """A wheel without CUDA stands on NVIDIA's image, whose Ubuntu has one Python: the plan is made for that one."""
    best = found.choices.best
    assert best is not None
    asked = str(request.given.get("python") or "")
    pythons = sorted((p for p in best.row.pythons if _cuda_tag(best, p)[0]), key=numbers, reverse=True)
    if asked and release(asked) in pythons:
        return found
    if not pythons or asked:
        raise GpudoctorError(
            f"there is no nvidia/cuda image with CUDA {best.row.cuda}, cuDNN {best.row.cudnn} and Python {asked or 'of this wheel'}",
            context=f"{best.wheel.label} brings no CUDA of its own",
            note="nothing was planned",
            hint=f"--python {pythons[0]}, or a release with its own CUDA (2.14 and newer)"
            if pythons
            else "take a release with its own CUDA (2.14 and newer)",
        )
    return _chosen(request, request.version, {**request.given, "python": pythons[0]})


# ---------------------------------------------------------------- the nearest


def _nearest(request: Request) -> str:
    """What works instead of what was asked: another release, then another driver, in words; "" where nothing does."""
    for changes, words in (
        ({}, ""),
        ({"driver": ""}, "with a newer driver"),
        ({"python": ""}, "with another Python"),
    ):
        if changes and not any(request.given.get(key) for key in changes):
            continue
        try:
            found = _chosen(request, "", {**request.given, **changes})
        except GpudoctorError:
            continue
        if found.advice is not None:
            needs = f", {found.advice.driver}" if found.advice.driver else f", {words}" if words else ""
            variant = f" ({found.advice.variant})" if found.advice.variant else ""
            return f"{found.advice.target} {found.advice.version}{variant} on Python {found.advice.python}{needs}"
    return ""
