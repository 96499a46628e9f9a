"""`gpudoctor check`, as told by its options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gpudoctor.cli.output import split_names, write_out
from gpudoctor.cli.plain import read_words
from gpudoctor.errors import GpudoctorError

if TYPE_CHECKING:
    from gpudoctor.policy import Policy

FORMS = ("text", "json", "junit")

#: Option -> parameter of `check`. --timeout is not here: its value must be proved.
SWITCHES = {
    "--strict": "strict",
    "--require-gpu": "require_gpu",
    "--import": "imports",
    "--build": "build",
    "--wake": "wake",
    "-v": "verbose",
    "--verbose": "verbose",
}
VALUES = {
    "--format": "form",
    "--output": "output",
    "--root": "root",
    "--snapshot": "snapshot",
    "--policy": "policy",
    "--baseline": "baseline",
}
LISTS = {"--select": "select", "--ignore": "ignore", "--python": "pythons"}
CHOICES = {"--format": FORMS}


def read(words: Sequence[str]) -> Callable[[], int] | None:
    given = read_words(words, SWITCHES, VALUES, LISTS, CHOICES)
    return None if given is None else lambda: check(**given)


def check(
    *,
    form: str = "text",
    output: str | None = None,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    strict: bool = False,
    require_gpu: bool = False,
    pythons: tuple[str, ...] = (),
    imports: bool = False,
    build: bool = False,
    wake: bool = False,
    root: str | None = None,
    snapshot: str | None = None,
    timeout: float | None = None,
    policy: str | None = None,
    baseline: str | None = None,
    verbose: bool = False,
) -> int:
    """Carry the command out; returns the exit code. Raises GpudoctorError."""
    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request, run

    _one_source(root, snapshot, bool(pythons or imports or build or wake))
    request = Request(
        select=split_names(select),
        ignore=split_names(ignore),
        strict=strict,
        require_gpu=require_gpu,
        root=root or "",
        snapshot=snapshot or "",
        timeout=timeout,
        options=Options(wake, build, imports, pythons),
        policy=_read_policy(policy) if policy else None,
        baseline=baseline or "",
    )
    result = run(request)
    from gpudoctor.report.model import check_report

    report = check_report(result.machine, result.judgement, result.exit_code)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    elif form == "junit":
        from gpudoctor.report import junit

        text = junit.render(report, result.judgement, strict)
    else:
        from gpudoctor.report import text as text_report
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = text_report.render(report, result.judgement, style, verbose)
    write_out(text, output)
    return result.exit_code


def _read_policy(path: str) -> Policy:
    from gpudoctor.workflows.preflight import read_policy

    return read_policy(path)


def _one_source(root: str | None, snapshot: str | None, live_only: bool) -> None:
    if root and snapshot:
        raise _usage("--root and --snapshot both say where the facts come from: give one")
    if snapshot and live_only:
        raise _usage(
            "--python, --import, --build and --wake ask a live machine; a snapshot holds what was asked"
        )


def _usage(message: str) -> GpudoctorError:
    return GpudoctorError(
        message,
        context="gpudoctor check",
        note="nothing was done",
        hint="`gpudoctor check --help` lists the options",
    )
