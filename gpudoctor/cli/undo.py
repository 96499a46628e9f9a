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
@click.option(
    "--forget",
    is_flag=True,
    help="Let change ID stand for good: what was kept to take it back is removed.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
def command(identifier: str, listing: bool, leave: bool, forget: bool, form: str, output: str | None) -> int:
    """Take back a change that gpudoctor made: the named one, else the last.

    Files get back their contents, mode, owner, times, attributes and links; programs that were run are undone. A file that
    somebody has changed since is not touched, and the difference is shown. Exit codes: 0 taken back; 1 not wholly; 2
    refused, nothing to take back, or wrong usage.

    \b
    Examples:
      gpudoctor undo --list     what was changed, with the IDs
      gpudoctor undo            take the last change back
      gpudoctor undo 3 --forget keep change 3, and free the room that taking it back would need
    """
    from gpudoctor.changes import restore
    from gpudoctor.changes.journal import journals
    from gpudoctor.report import changes as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.system.writer import Writer

    if listing and (identifier or leave or forget):
        raise click.UsageError("--list only lists")
    if forget and (leave or not identifier):
        raise click.UsageError("--forget wants the ID of the change, and nothing else")
    writer = Writer(command=f"gpudoctor undo {identifier}".strip())
    outcome = None
    if forget:
        outcome = restore.forget(writer, identifier)
    elif not listing:
        outcome = restore.undo(writer, identifier, leave=leave)
    well = outcome is None or outcome.state == "undone" or (outcome.state == "forgotten" and not outcome.why)
    code = 0 if well else 1
    style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.undo_report(outcome, journals(writer), code)) + "\n"
    elif outcome is None:
        from gpudoctor.system.statefolder import roots_changes

        text = report.render_journals(journals(writer), style, roots_changes())
    else:
        text = report.render_outcome(outcome, style)
    write_out(text, output)
    return code
