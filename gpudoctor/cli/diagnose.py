"""`gpudoctor diagnose`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out
from gpudoctor.cli.plain.diagnose import FORMS, diagnose, rendered


class _Command(click.Command):
    """Keeps what stands behind `--` apart: that is a program to run, not files to read."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["gpudoctor.program"] = ()
        if "--" in args:
            at = args.index("--")
            ctx.meta["gpudoctor.program"] = tuple(args[at + 1 :])
            ctx.meta["gpudoctor.dashes"] = True
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command("diagnose", cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[FILE|DIR|-]... [-- PROGRAM...]")
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the answer there instead of to standard output.")
@click.option(
    "--redact",
    is_flag=True,
    help="Print the text itself without names, hosts, tokens and keys, for pasting into an issue.",
)
@click.option("-v", "--verbose", is_flag=True, help="Everything of every answer.")
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[str, ...], form: str, output: str | None, redact: bool, verbose: bool
) -> int:
    """Name the cause of what a log, a traceback or a build's output complains of, and show the lines that prove it.

    Reads files, folders or standard input (-): plain, UTF-16 or gzip. Or runs PROGRAM, passes its output through, and
    diagnoses it if it fails. Exit codes: 0 answered ("harmless" is an answer), 2 no cause found or nothing to read; with
    PROGRAM, PROGRAM's.

    \b
    Examples:
      python train.py 2>&1 | gpudoctor diagnose -
      gpudoctor diagnose nvidia-bug-report.log.gz
      gpudoctor diagnose -- python train.py
    """
    program: tuple[str, ...] = ctx.meta["gpudoctor.program"]
    if ctx.meta.get("gpudoctor.dashes"):
        if not program or paths or redact:
            raise click.UsageError("give files to read, or a program to run after --")
        return _program(program, form, output, verbose)
    if not paths:
        if sys.stdin.isatty():
            raise click.UsageError("give a file, a folder, or - for standard input")
        paths = ("-",)
    return diagnose(paths=paths, form=form, output=output, redact=redact, verbose=verbose)


def _program(program: tuple[str, ...], form: str, output: str | None, verbose: bool) -> int:
    from gpudoctor.workflows.diagnose import diagnose_program

    code, result = diagnose_program(program)
    if result is not None:
        text = rendered(result, code, form, output, verbose)
        # The program's own output owns standard output; the answer goes beside it.
        if output in (None, "-") and form == "text":
            sys.stderr.write(text)
        else:
            write_out(text, output)
    return code
