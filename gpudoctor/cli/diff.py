"""`gpudoctor diff`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out


@click.command("diff", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(before: str, after: str, form: str) -> int:
    """Say what changed from snapshot A to snapshot B ("it worked yesterday").

    Exit codes: 0 the same, 1 different, 2 unreadable.
    """
    from gpudoctor.report.style import style_for
    from gpudoctor.workflows.compare import compare
    from gpudoctor.workflows.snapshot import read_snapshot

    result = compare(read_snapshot(before).machine, read_snapshot(after).machine)
    if form == "json":
        from gpudoctor.codec import to_json

        write_out(to_json(result) + "\n", None)
        return int(bool(result.changes))
    style = style_for(sys.stdout)
    lines = [f"{style.glyph('failure')} now found: {name}" for name in result.appeared]
    lines += [f"{style.glyph('ok')} no longer found: {name}" for name in result.gone]
    for change in result.changes:
        lines.append(style.paint(change.where, "bold"))
        if change.before:
            lines.append(style.paint(f"  - {change.before}", "red"))
        if change.after:
            lines.append(style.paint(f"  + {change.after}", "green"))
    if not result.changes:
        lines.append("the two machines are the same")
    write_out("\n".join(lines) + "\n", None)
    return int(bool(result.changes))
