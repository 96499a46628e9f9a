"""`gpudoctor diagnose`, as told by its options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gpudoctor.cli.output import write_out
from gpudoctor.cli.plain import read_words

if TYPE_CHECKING:
    from gpudoctor.logs.diagnosis import Result

FORMS = ("text", "json")

#: Option -> parameter of `diagnose`.
SWITCHES = {"--redact": "redact", "-v": "verbose", "--verbose": "verbose"}
VALUES = {"--format": "form", "--output": "output"}
LISTS: dict[str, str] = {}
CHOICES = {"--format": FORMS}


def read(words: Sequence[str]) -> Callable[[], int] | None:
    """Files to read, in any order with options; "-" is one of them. What has a program behind `--`, and a line without a
    file, go to click."""
    if "--" in words:
        return None
    paths: list[str] = []
    options: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in VALUES:
            options += [word, next(rest, "")]
        elif word.startswith("-") and word != "-":
            options.append(word)
        else:
            paths.append(word)
    given = read_words(options, SWITCHES, VALUES, LISTS, CHOICES)
    if given is None or not paths or "" in paths:
        return None
    return lambda: diagnose(paths=tuple(paths), **given)


def diagnose(
    *,
    paths: tuple[str, ...] = (),
    form: str = "text",
    output: str | None = None,
    redact: bool = False,
    verbose: bool = False,
) -> int:
    """Carry the command out; returns the exit code. Raises GpudoctorError."""
    from gpudoctor.workflows.diagnose import diagnose_paths, redacted

    if redact:
        write_out(redacted(paths), output)
        return 0
    result = diagnose_paths(paths)
    write_out(rendered(result, result.exit_code, form, output, verbose), output)
    return result.exit_code


def rendered(result: Result, code: int, form: str, output: str | None, verbose: bool) -> str:
    from gpudoctor.report import diagnosis as report
    from gpudoctor.report.style import Style, style_for

    if form == "json":
        from gpudoctor.codec import to_json

        return to_json(report.diagnose_report(result, code)) + "\n"
    style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
    return report.render(result, style, verbose)
