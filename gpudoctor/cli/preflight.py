"""`gpudoctor preflight`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gpudoctor.cli.options import write_out
from gpudoctor.errors import GpudoctorError

if TYPE_CHECKING:
    from gpudoctor.workflows.check import Result

FORMS = ("text", "github", "junit", "nagios", "prometheus", "json")


class Preflight(click.Command):
    """What follows `--` is the command and none of our business; `init` before it is ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours, command = args, []
        if "--" in args:
            at = args.index("--")
            ours, command = args[:at], args[at + 1 :]
            if not command:
                raise GpudoctorError(
                    "after -- there is no command", hint="gpudoctor preflight -- python train.py"
                )
        ctx.obj = tuple(command)
        try:
            return super().parse_args(ctx, list(ours))
        except click.UsageError as error:
            if _form(ours) == "nagios":
                click.echo(f"GPU UNKNOWN - {error.format_message()}")
                raise click.exceptions.Exit(3) from None
            raise


def _form(args: list[str]) -> str:
    found = ""
    for number, word in enumerate(args):
        if word == "--format":
            found = args[number + 1] if number + 1 < len(args) else ""
        elif word.startswith("--format="):
            found = word.partition("=")[2]
    return found


@click.command("preflight", cls=Preflight, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("action", nargs=-1, metavar="[init] [-- COMMAND ...]")
@click.option(
    "--policy", metavar="FILE", help="What the job needs; without it ./gpudoctor.toml, else: a GPU."
)
@click.option("--baseline", metavar="SNAPSHOT", help="What differs from this snapshot is a finding.")
@click.option(
    "--smoke", type=click.Choice(["off", "quick"]), help="Train for seconds first (or [run] smoke)."
)
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there (init: the policy).")
@click.option(
    "--python", "pythons", multiple=True, metavar="PATH", help="The job's interpreter (repeatable)."
)
@click.option("--snapshot", metavar="FILE", help="Judge a recorded machine; starts no command.")
@click.option("--strict", is_flag=True, help="Warnings are failures.")
@click.option("--force", is_flag=True, help="init: replace the file that is there.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=3600.0),
    metavar="SECONDS",
    help="For everything but the smoke run and the command.  [default: 20, or the policy's]",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything.")
@click.pass_context
def command(
    ctx: click.Context,
    action: tuple[str, ...],
    policy: str | None,
    baseline: str | None,
    smoke: str | None,
    form: str,
    output: str | None,
    pythons: tuple[str, ...],
    snapshot: str | None,
    strict: bool,
    force: bool,
    timeout: float | None,
    verbose: bool,
) -> int:
    """Judge this machine by a policy, then become COMMAND: same process, signals and exit code.

    On a machine that is not well COMMAND never starts. Exit codes: 0 well, or COMMAND's own; 1 something is wrong; 2 could
    not look, or wrong usage. Speaks on
    standard error only; a report in another format goes to --output, or to standard output when there is no command.
    `gpudoctor preflight init` writes a policy from this machine as it stands.

    \b
    Examples:
      gpudoctor preflight -- python train.py
      gpudoctor preflight --policy gpudoctor.toml --format junit --output gpu.xml -- torchrun train.py
      gpudoctor preflight init
      gpudoctor preflight --format nagios          exit 0, 1 warnings, 2 failures, 3 could not look
    """
    job: tuple[str, ...] = ctx.obj
    try:
        if action == ("init",):
            return _init(output, force, pythons, timeout, job)
        _usage(action, form, output, job, force, snapshot)
        result = _run(policy, baseline, smoke, pythons, snapshot, strict, timeout)
    except GpudoctorError as error:
        if form != "nagios":
            raise
        click.echo(f"GPU UNKNOWN - {error.what}")
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
    from gpudoctor.report import monitoring, text
    from gpudoctor.report.model import PreflightReport
    from gpudoctor.report.style import Style, style_for

    assert isinstance(report, PreflightReport)
    to_file = form == "text" and output not in (None, "-")
    style = Style(unicode=True) if to_file else style_for(sys.stderr)
    if result.exit_code == 0 and not verbose:
        said = f"{style.glyph('ok')} gpudoctor preflight: {monitoring.summary(report)}\n"
    else:
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
