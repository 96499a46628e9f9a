"""`gpudoctor diff`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out


@click.command("diff", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
def command(before: str, after: str, form: str, output: str | None) -> int:
    """Say what changed from snapshot A to snapshot B ("it worked yesterday").

    What differs between any two moments (temperature, memory in use) is left out. Exit codes: 0 the same, 1 different, 2
    unreadable (or wrong usage).

    \b
    Examples:
      gpudoctor snapshot --output monday.json
      gpudoctor diff monday.json tuesday.json
    """
    from gpudoctor.workflows.compare import compare
    from gpudoctor.workflows.snapshot import read_snapshot

    report = compare(read_snapshot(before).machine, read_snapshot(after).machine)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        from gpudoctor.report.diff import render
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = render(report.diff, style)
    write_out(text, output)
    return report.exit_code
