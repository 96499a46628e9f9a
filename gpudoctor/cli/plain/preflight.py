"""`gpudoctor preflight`, as told by its options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gpudoctor.cli.output import write_out
from gpudoctor.cli.plain import read_words
from gpudoctor.errors import GpudoctorError

if TYPE_CHECKING:
    from gpudoctor.workflows.check import Result

FORMS = ("text", "github", "junit", "nagios", "prometheus", "json")
SMOKES = ("off", "quick")

#: Option -> parameter of `preflight`. --timeout is not here: its value must be proved. --force belongs to `init`.
SWITCHES = {"--strict": "strict", "-v": "verbose", "--verbose": "verbose"}
VALUES = {
    "--policy": "policy",
    "--baseline": "baseline",
    "--smoke": "smoke",
    "--format": "form",
    "--output": "output",
    "--snapshot": "snapshot",
}
LISTS = {"--python": "pythons"}
CHOICES = {"--smoke": SMOKES, "--format": FORMS}


def read(words: Sequence[str]) -> Callable[[], int] | None:
    """What follows `--` is the command, whatever it looks like."""
    at = words.index("--") if "--" in words else len(words)
    job = tuple(words[at + 1 :])
    given = read_words(words[:at], SWITCHES, VALUES, LISTS, CHOICES)
    if given is None or (at < len(words) and not job):
        return None
    return lambda: preflight(job, **given)


def preflight(
    job: tuple[str, ...],
    *,
    action: tuple[str, ...] = (),
    policy: str | None = None,
    baseline: str | None = None,
    smoke: str | None = None,
    form: str = "text",
    output: str | None = None,
    pythons: tuple[str, ...] = (),
    snapshot: str | None = None,
    strict: bool = False,
    force: bool = False,
    timeout: float | None = None,
    verbose: bool = False,
) -> int:
    """Carry the command out; returns the exit code, or becomes `job`. Raises GpudoctorError."""
    try:
        if action == ("init",):
            return _init(output, force, pythons, timeout, job)
        _usage(action, form, output, job, force, snapshot)
        result = _run(policy, baseline, smoke, pythons, snapshot, strict, timeout)
    except GpudoctorError as error:
        if form != "nagios":
            raise
        print(f"GPU UNKNOWN - {error.what}")
        print(error.render(), file=sys.stderr)
        return 3
    code = _report(result, form, output, strict, verbose, job)
    if job and not code:
        from gpudoctor.workflows.preflight import become

        become(job)
    return code


def _usage(
    action: tuple[str, ...],
    form: str,
    output: str | None,
    job: tuple[str, ...],
    force: bool,
    snapshot: str | None,
) -> None:
    if action:
        words = " ".join(action)
        raise GpudoctorError(
            f"{words!r} is neither init nor an option",
            hint=f"put -- before the command: gpudoctor preflight -- {words}",
        )
    if force:
        raise GpudoctorError("--force belongs to `preflight init`")
    if job and form == "nagios":
        raise GpudoctorError(
            "a Nagios plugin starts no command", hint="leave the command or --format nagios out"
        )
    if job and snapshot:
        raise GpudoctorError(
            "a recorded machine starts no command", hint="leave the command or --snapshot out"
        )
    if job and form != "text" and output in (None, "-"):
        raise GpudoctorError(
            f"with a command, --format {form} needs --output FILE",
            note="standard output is the command's",
        )


def _init(
    output: str | None, force: bool, pythons: tuple[str, ...], timeout: float | None, job: tuple[str, ...]
) -> int:
    from gpudoctor.policy import FILE
    from gpudoctor.workflows.preflight import init

    if job:
        raise GpudoctorError("init starts no command")
    path = output or FILE
    text = init(path, force or path == "-", pythons, timeout)
    write_out(text, path)
    if "\ngpus = " not in text:
        print("no GPU could be used here, so the policy asks for none", file=sys.stderr)
    if path != "-":
        print(
            f"{path} written; `gpudoctor preflight -- COMMAND` in this folder judges by it", file=sys.stderr
        )
    return 0


def _run(
    policy: str | None,
    baseline: str | None,
    smoke: str | None,
    pythons: tuple[str, ...],
    snapshot: str | None,
    strict: bool,
    timeout: float | None,
) -> Result:
    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request
    from gpudoctor.workflows.preflight import policy_for, run

    request = Request(
        strict=strict,
        snapshot=snapshot or "",
        timeout=timeout,
        options=Options(pythons=pythons),
        policy=policy_for(policy or ""),
        baseline=baseline or "",
    )
    return run(request, smoke)


def _report(
    result: Result, form: str, output: str | None, strict: bool, verbose: bool, job: tuple[str, ...]
) -> int:
    """Write the report where it belongs; returns the exit code."""
    from gpudoctor.report.model import preflight_report

    code = result.exit_code
    report = preflight_report(result.machine, result.judgement, code, result.requirements, job)
    if form == "json":
        from gpudoctor.codec import to_json

        write_out(to_json(report) + "\n", output)
    elif form == "junit":
        from gpudoctor.report import junit

        write_out(junit.render(report, result.judgement, strict), output)
    elif form != "text":
        from gpudoctor.report import monitoring

        if form == "github":
            write_out(monitoring.github(report), output)
        elif form == "nagios":
            write_out(monitoring.nagios(report), output)
            code = monitoring.nagios_code(report)
        else:
            import time

            write_out(monitoring.prometheus(report, result.judgement, time.time()), output)
    if form == "text" or job:
        _say(report, result, form, output, verbose)
    return code


def _say(report: object, result: Result, form: str, output: str | None, verbose: bool) -> None:
    """For people: one line where all is well, else the report; on standard error, or in --output."""
    from gpudoctor.report import monitoring
    from gpudoctor.report.model import PreflightReport
    from gpudoctor.report.style import Style, style_for

    assert isinstance(report, PreflightReport)
    to_file = form == "text" and output not in (None, "-")
    style = Style(unicode=True) if to_file else style_for(sys.stderr)
    if result.exit_code == 0 and not verbose:
        said = f"{style.glyph('ok')} gpudoctor preflight: {monitoring.summary(report)}\n"
    else:
        from gpudoctor.report import text

        said = text.render(report, result.judgement, style, verbose)
        said += f"  refused by {result.machine.expectation.policy}\n" if result.exit_code else ""
    if to_file:
        write_out(said, output)
    else:
        try:
            sys.stderr.write(said)
            sys.stderr.flush()
        except (OSError, AttributeError):
            pass  # nobody listens; the exit code speaks
