"""`image lint`: Dockerfiles and compose files, judged by our own rules and by what other linters there are."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gpudoctor.engine import judge
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.image import Image
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.images.linters import OtherLinter, others
from gpudoctor.parsers import compose_file, dockerfile
from gpudoctor.rules.registry import Cause, causes

#: Looked for in the working directory where no file is named.
USUAL = (
    "Dockerfile",
    "Containerfile",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)
#: No recipe is larger (bytes).
LARGEST = 1 << 20
PREFIXES = ("dockerfile-", "compose-", "recipe-")


class Linted(Record):
    files: tuple[str, ...]
    judgement: Judgement
    others: tuple[OtherLinter, ...]
    exit_code: int


def lint(
    files: Sequence[str],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    strict: bool = False,
    own_only: bool = False,
) -> Linted:
    """Raises GpudoctorError for a file that can't be read, is neither a Dockerfile nor a compose file, or is broken."""
    named = tuple(files) or tuple(name for name in USUAL if os.path.isfile(name))
    if not named:
        raise GpudoctorError(
            "there is no Dockerfile and no compose file here",
            context=os.getcwd(),
            note="nothing was judged",
            hint="gpudoctor image lint FILE...",
        )
    selected = _selected(select, ignore)
    images = [read(path) for path in named]
    judgement = _joined([judge(Machine(image=image), selected) for image in images])
    dockerfiles = tuple(p for p, i in zip(named, images, strict=True) if isinstance(i.dockerfile, Known))
    asked = () if own_only else others(dockerfiles)
    return Linted(named, judgement, asked, _exit_code(judgement, asked, strict))


def read(path: str) -> Image:
    """The file's recipe as facts. "-" is standard input."""
    text = _text(path)
    try:
        if path.endswith((".yaml", ".yml")) or compose_file.looks_like(text):
            return Image(name=path, compose=Known(compose_file.parse(text, path), path))
        return Image(name=path, dockerfile=Known(dockerfile.parse(text, path), path))
    except ValueError as error:
        place, _, words = str(error).partition(": ")
        raise GpudoctorError(
            f"{path} is not understood: {words or place}",
            context=place if words else "",
            note="nothing was judged",
        ) from None


def _text(path: str) -> str:
    try:
        if path == "-":
            import sys

            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            with open(descriptor, "rb") as file:
                data = file.read(LARGEST + 1) or b""
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be read: {error.strerror or error}", note="nothing was judged"
        ) from None
    if len(data) > LARGEST or b"\0" in data:
        raise GpudoctorError(
            f"{path} is no Dockerfile and no compose file",
            context=f"larger than {LARGEST >> 20} MiB" if len(data) > LARGEST else "not text",
            note="nothing was judged",
            hint="`gpudoctor image verify` judges images and archives",
        )
    return data.decode("utf-8", "replace")


def _selected(select: Sequence[str], ignore: Sequence[str]) -> tuple[Cause, ...]:
    from gpudoctor.workflows.check import choose

    chosen = choose(select, ignore) if select or ignore else causes()
    return tuple(c for c in chosen if c.family == "images" and c.id.startswith(PREFIXES))


def _joined(judgements: Sequence[Judgement]) -> Judgement:
    """Of several files: what one file has found has not passed, and what applies to one applies."""
    findings = tuple(f for j in judgements for f in j.findings)
    ids = {f.id for f in findings} | {s.id for j in judgements for s in j.skipped}
    passed = dict.fromkeys(name for j in judgements for name in j.passed if name not in ids)
    rest = {n.id: n for j in judgements for n in j.not_applicable if n.id not in passed and n.id not in ids}
    return Judgement(
        tuple(sorted(findings, key=lambda f: ("failure", "warning", "note").index(f.severity))),
        tuple(s for j in judgements for s in j.skipped),
        tuple(c for j in judgements for c in j.crashed),
        tuple(passed),
        tuple(rest.values()),
    )


def _exit_code(judgement: Judgement, asked: Sequence[OtherLinter], strict: bool) -> int:
    bad = ("failure", "warning") if strict else ("failure",)
    levels = ("error", "warning") if strict else ("error",)
    if any(f.severity in bad for f in judgement.findings):
        return 1
    if any(m.level in levels for linter in asked for m in linter.messages):
        return 1
    return 2 if judgement.skipped or judgement.crashed else 0
