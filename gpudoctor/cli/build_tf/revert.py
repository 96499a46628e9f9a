"""`gpudoctor build-tf revert`."""

from __future__ import annotations

import click

from gpudoctor.cli.build_tf.naming import absolute, tree_of
from gpudoctor.cli.output import write_out


@click.command("revert", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--source", metavar="TREE", default="", help="The tree.")
@click.option("--workdir", metavar="DIR", default="", help="The work folder, if it was named.")
@click.option("--force", is_flag=True, help="Also take back files that somebody changed since.")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.pass_context
def command(
    ctx: click.Context,
    source: str,
    workdir: str,
    force: bool,
    dry_run: bool,
    form: str,
    output: str | None,
) -> int:
    """Take back what was changed in the tree: patches, the options, configure's files.

    Exit codes: 0 taken back, or nothing to take back; 2 refused, or wrong usage.

    \b
    Examples:
      gpudoctor build-tf revert --source ~/tensorflow --dry-run
      gpudoctor build-tf revert --source ~/tensorflow
    """
    from gpudoctor.workflows import build_tf

    tree = tree_of(ctx, source)
    lines = build_tf.revert(tree, absolute(workdir), force=force, dry=dry_run)
    text = "".join(f"{line}\n" for line in lines)
    if form == "json":
        from gpudoctor.codec import to_json
        from gpudoctor.report.build_tf import revert_report

        text = to_json(revert_report(tree, dry_run, lines)) + "\n"
    write_out(text, output)
    return 0
