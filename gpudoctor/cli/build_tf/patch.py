"""`gpudoctor build-tf patch`."""

from __future__ import annotations

import click

from gpudoctor.cli.build_tf.naming import tree_of
from gpudoctor.cli.output import split_names, write_out


@click.command("patch", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--source", metavar="TREE", default="", help="The tree.")
@click.option(
    "--export",
    "--output",
    "export",
    metavar="FILE",
    default=None,
    help="Write the unified diff (or the JSON) there (- is standard output).",
)
@click.option("--list", "listing", is_flag=True, help="Say what each patch is.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    source: str,
    export: str | None,
    listing: bool,
    form: str,
) -> int:
    """Show the patches for a tree as a unified diff of its own files. Nothing is changed.

    To apply them with a way back: `gpudoctor build-tf --source TREE --method patch --only patch`. Exit codes: 0 shown, also
    if there is nothing to patch; 2 the tree can't be read, or wrong usage.

    \b
    Examples:
      gpudoctor build-tf patch --list
      gpudoctor build-tf patch --source ~/tensorflow mirrors lib64 --export tree.patch
    """
    from gpudoctor.tfbuild.patching.pages import NAMES, load

    tree = "" if listing else tree_of(ctx, source)
    chosen = [load(name) for name in split_names(names) or NAMES]
    text = ""
    if not listing:
        from gpudoctor.workflows import build_tf

        text = build_tf.export_patch(tree, [one.id for one in chosen])
        if not text:
            click.echo("nothing to patch in this tree: all is there already, or not needed", err=True)
    if form == "json":
        from gpudoctor.codec import to_json
        from gpudoctor.report.build_tf import patch_report

        text = to_json(patch_report(tree, chosen, text)) + "\n"
    elif listing:
        text = "".join(
            f"{one.id}: {one.title}\n  what: {one.what}\n  why: {one.why}\n  trees: {one.trees}\n"
            f"  recognised: {one.recognised}\n  verified: {one.verified}\n  better: {one.better}\n  limits: {one.limits}\n"
            for one in chosen
        )
    write_out(text, export)
    return 0
