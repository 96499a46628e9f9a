"""Dockerfiles, as BuildKit reads them: continued lines, comments within them, here-documents, ARG and ENV, stages.

    # syntax=docker/dockerfile:1
    ARG CUDA=12.4.1
    FROM nvidia/cuda:${CUDA}-base-ubuntu22.04 AS run
    RUN <<EOF
    apt-get update
    EOF

https://docs.docker.com/reference/dockerfile/. Not a builder: ONBUILD is read as it stands, and a variable whose value only the
build knows stays as it is written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from gpudoctor.facts.recipe import Dockerfile, Instruction, Piece, Stage
from gpudoctor.facts.record import Record

KEYWORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=\s*(\S.*?)\s*$", re.I)
_HEREDOC = re.compile(r"(?<![<\w])\d*<<(-?)([\"']?)([A-Za-z_][\w.-]*)\2(?!<)")
_VARIABLE = re.compile(r"(\\\$)|\$(?:(\w+)|\{(\w+)(?:(:?[-+])((?:[^{}$]|\$\w+|\$\{\w+\})*))?\})")
_FLAG = re.compile(r"--[a-z][\w-]*(?:=\S*)?(?:\s+|$)")
#: Predefined by BuildKit for every stage that asks for them.
_PLATFORM = {"TARGETARCH": "amd64", "TARGETOS": "linux", "TARGETPLATFORM": "linux/amd64"}


class _Logical(Record):
    """An instruction before variables: physical lines without continuation marks, and the lines of its here-documents."""

    line: int
    pieces: tuple[Piece, ...]
    documents: tuple[Piece, ...]


def parse(text: str, path: str = "Dockerfile") -> Dockerfile:
    """Raises ValueError ("line 3: ...") for what BuildKit would not take: an unknown instruction, no FROM, a
    here-document that does not end."""
    syntax, syntax_line, escape = _directives(text)
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    current: list[Instruction] = []
    known: dict[str, str] = {}
    env: dict[str, str] = {}

    def close() -> None:
        if stages:
            stages[-1] = stages[-1].replace(instructions=tuple(current), env=dict(env))

    for logical in _logical(text, escape):
        outside = not stages or logical.pieces[0].text[:5].upper().strip() == "FROM"
        keyword, instruction = _instruction(logical, arguments if outside else {**known, **env})
        if keyword == "FROM":
            close()
            stage = _stage(instruction, stages)
            below = next((s for s in reversed(stages) if stage.of_stage and s.name == stage.base), None)
            known, env = {}, dict(below.env) if below else {}
            stages.append(stage)
            current = []
            continue
        if not stages:
            if keyword != "ARG":
                raise ValueError(f"line {instruction.line}: {keyword} before the first FROM")
            arguments.update(_argument(instruction, arguments))
            continue
        if keyword == "ARG":
            known.update(_argument(instruction, {**_PLATFORM, **arguments}, declared_only=True))
        elif keyword == "ENV":
            env.update(pairs(instruction.text))
        current.append(instruction)
    close()
    if not stages:
        raise ValueError("line 1: there is no FROM in it")
    return Dockerfile(path, tuple(stages), syntax, syntax_line, arguments)


def _directives(text: str) -> tuple[str, int, str]:
    """Only the comments at the very top are directives."""
    syntax, line, escape = "", 0, "\\"
    for number, content in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        match = _DIRECTIVE.match(content.strip())
        if match is None:
            break
        if match[1].lower() == "syntax":
            syntax, line = match[2], number
        elif match[1].lower() == "escape" and match[2] in ("\\", "`"):
            escape = match[2]
    return syntax, line, escape


def _logical(text: str, escape: str) -> Iterator[_Logical]:
    lines = text.lstrip("\ufeff").splitlines()
    at = 0
    while at < len(lines):
        start = at
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        pieces: list[Piece] = []
        while at < len(lines):
            content = lines[at]
            at += 1
            if pieces and (not content.strip() or content.lstrip().startswith("#")):
                continue  # comments and empty lines between continued ones are dropped
            bare = content.rstrip()
            goes_on = bare.endswith(escape)
            pieces.append(Piece(at, (bare[:-1] if goes_on else bare).strip()))
            if not goes_on:
                break
        documents: list[Piece] = []
        word = pieces[0].text.split(maxsplit=1)[0].upper() if pieces[0].text else ""
        if word in ("RUN", "COPY", "ADD"):
            for match in _HEREDOC.finditer(" ".join(p.text for p in pieces)):
                at = _document(lines, at, match[3], bool(match[1]), documents, start + 1)
        yield _Logical(start + 1, tuple(pieces), tuple(documents))


def _document(lines: list[str], at: int, end: str, tabs: bool, into: list[Piece], started: int) -> int:
    while at < len(lines):
        content = lines[at].lstrip("\t") if tabs else lines[at]
        at += 1
        if content.rstrip("\r") == end:
            return at
        into.append(Piece(at, content))
    raise ValueError(f"line {started}: the here-document {end} does not end")


def _instruction(logical: _Logical, values: Mapping[str, str]) -> tuple[str, Instruction]:
    first = logical.pieces[0]
    keyword, _, rest = first.text.partition(" ")
    if "\t" in keyword:
        keyword, _, rest = first.text.partition("\t")
    keyword = keyword.upper()
    if keyword not in KEYWORDS:
        raise ValueError(f"line {logical.line}: {keyword[:40]!r} is no instruction")
    pieces = [Piece(first.line, rest.strip()), *logical.pieces[1:]]
    raw = " ".join(piece.text for piece in pieces).strip()
    flags: list[str] = []
    while match := _FLAG.match(raw):
        flags.append(match[0].strip())
        raw = raw[match.end() :]
    documents = [Piece(p.line, f"\n{p.text}") for p in logical.documents]
    replaced = tuple(Piece(p.line, expand(p.text, values)) for p in (*pieces, *documents))
    return keyword, Instruction(keyword, logical.line, raw, replaced, tuple(flags))


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$X`, `${X}`, `${X:-default}`, `${X:+other}`; a name without a known value stays as it is written.

    >>> expand("cuda:${V:-12.4.1}-$FLAVOUR", {"FLAVOUR": "base"})
    'cuda:12.4.1-base'
    """

    def one(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name, mark, other = match[2] or match[3], match[4] or "", match[5] or ""
        value = values.get(name)
        if "+" in mark:
            return expand(other, values) if value else ""
        if "-" in mark and not value:
            return expand(other, values)
        return match[0] if value is None else value

    return _VARIABLE.sub(one, text)


def pairs(text: str) -> dict[str, str]:
    """The arguments of ENV or LABEL: `A=1 B="two words"`, or the old `A one word`."""
    first = text.split(maxsplit=1)
    if first and "=" not in first[0]:
        return {first[0]: first[1].strip() if len(first) > 1 else ""}
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    split = (word.partition("=") for word in words)
    return {name: value for name, equals, value in split if equals}


def _argument(
    instruction: Instruction, outer: Mapping[str, str], declared_only: bool = False
) -> dict[str, str]:
    """`ARG A=1 B`: within a stage an ARG without a value takes that from before the first FROM."""
    found = {}
    try:
        words = shlex.split(instruction.text)
    except ValueError:
        words = instruction.text.split()
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
        elif declared_only and name in outer:
            found[name] = outer[name]
    return found


def _stage(instruction: Instruction, stages: list[Stage]) -> Stage:
    words = [word for word in instruction.text.split() if not word.startswith("--")]
    if not words:
        raise ValueError(f"line {instruction.line}: FROM without an image")
    name = words[2] if len(words) > 2 and words[1].upper() == "AS" else ""
    names = {stage.name.lower() for stage in stages if stage.name}
    return Stage(name.lower(), words[0], instruction.line, words[0].lower() in names)
