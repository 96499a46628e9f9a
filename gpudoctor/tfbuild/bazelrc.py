"""Bazel's rc files: options by command and configuration, and blocks of ours in a file that is the user's."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.record import Record


class RcLine(Record):
    """An option of .bazelrc: `build:cuda_clang --repo_env=NAME=VALUE` is ("build", "cuda_clang", "--repo_env=NAME=VALUE")."""

    command: str
    config: str
    option: str
    line: int


def read_rc(text: str) -> tuple[tuple[RcLine, ...], tuple[str, ...]]:
    """Options and imports of an rc file. Continuation lines are joined, comments left out; one RcLine for each option.

    build:cuda --repo_env TF_NEED_CUDA=1   ->  RcLine("build", "cuda", "--repo_env TF_NEED_CUDA=1", 1)
    """
    lines: list[RcLine] = []
    imports: list[str] = []
    joined, start = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        start = start if joined else number
        joined += raw
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        line, joined = joined.strip(), ""
        if not line or line.startswith("#"):
            continue
        first, _, rest = line.partition(" ")
        if first in ("import", "try-import"):
            imports.append(rest.strip())
            continue
        command, _, config = first.partition(":")
        lines += [RcLine(command, config, option, start) for option in _options(rest)]
    return tuple(lines), tuple(imports)


def _options(text: str) -> Iterator[str]:
    """Words that begin with "-" start an option; a word that does not belongs to the one before."""
    import shlex

    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        words = text.split()
    option = ""
    for word in words:
        if word.startswith("-"):
            if option:
                yield option
            option = word
        else:
            option = f"{option} {word}".strip()
    if option:
        yield option
