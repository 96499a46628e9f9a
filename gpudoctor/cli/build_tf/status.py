"""`gpudoctor build-tf status`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.build_tf.naming import absolute, tree_of
from gpudoctor.cli.output import write_out


@click.command("status", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", metavar="TREE", default="", help="The tree that is being built.")
@click.option("--workdir", metavar="DIR", default="", help="The work folder, if it was named.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.pass_context
def command(ctx: click.Context, source: str, workdir: str, form: str, output: str | None) -> int:
    """Say how far a build is, and how it ended.

    Exit codes: 0 said, whatever it is; 2 no build of that tree was begun, or wrong usage.

    \b
    Example:
      gpudoctor build-tf status --source ~/tensorflow
    """
    from gpudoctor.report import build_tf as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.workflows import build_tf

    folder, state, running = build_tf.status(tree_of(ctx, source), absolute(workdir))
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.status_report(folder, state, running)) + "\n"
    else:
        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = report.render_status(folder, state, running, style)
    write_out(text, output)
    return 0
