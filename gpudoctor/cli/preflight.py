"""`gpudoctor preflight`."""

from __future__ import annotations

from typing import Any

import click

from gpudoctor.cli.plain.preflight import FORMS, SMOKES, preflight
from gpudoctor.errors import GpudoctorError


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
@click.option("--smoke", type=click.Choice(SMOKES), help="Train for seconds first (or [run] smoke).")
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
def command(ctx: click.Context, /, **given: Any) -> int:
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
    return preflight(ctx.obj, **given)
