"""`gpudoctor undo`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out


@click.command("undo", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("identifier", default="", metavar="[ID]")
@click.option("--list", "listing", is_flag=True, help="List the changes that were made here, oldest first.")
@click.option(
    "--leave",
    is_flag=True,
    help="Leave what can't be taken back as it is, take back the rest, close the change.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
def command(identifier: str, listing: bool, leave: bool, form: str, output: str | None) -> int:
    """Take back a change that gpudoctor made: the named one, else the last.

    Files get back their contents, mode, owner, times, attributes and links; programs that were run are undone. A file that
    somebody has changed since is not touched, and the difference is shown. Exit codes: 0 taken back; 1 not wholly; 2
    refused, nothing to take back, or wrong usage.

    \b
    Examples:
      gpudoctor undo --list     what was changed, with the IDs
      gpudoctor undo            take the last change back
    """
    from gpudoctor.changes.journal import journals
    from gpudoctor.changes.restore import undo
    from gpudoctor.report import changes as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.system.writer import Writer

    if listing and (identifier or leave):
        raise click.UsageError("--list only lists")
    writer = Writer(command=f"gpudoctor undo {identifier}".strip())
    outcome = None if listing else undo(writer, identifier, leave=leave)
    code = 0 if outcome is None or outcome.state == "undone" else 1
    style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.undo_report(outcome, journals(writer), code)) + "\n"
    elif outcome is None:
        text = report.render_journals(journals(writer), style)
    else:
        text = report.render_outcome(outcome, style)
    write_out(text, output)
    return code
