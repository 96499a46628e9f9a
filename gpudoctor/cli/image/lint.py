"""`gpudoctor image lint`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.output import split_names, write_out


@click.command("lint", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option("--select", multiple=True, type=CauseName(), help="Only these causes.")
@click.option("--ignore", multiple=True, type=CauseName(), help="Not these causes.")
@click.option("--strict", is_flag=True, help="Warnings are failures.")
@click.option("--own-rules", is_flag=True, help="Ask no other linter (hadolint, buildx --check).")
@click.option("-v", "--verbose", is_flag=True, help="Show why, all evidence, sources, and what passed.")
def command(
    files: tuple[str, ...],
    form: str,
    output: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    own_rules: bool,
    verbose: bool,
) -> int:
    """Say what in Dockerfiles and compose files will not work with GPUs, with lines.

    Without FILE: the Dockerfile and the compose file of this folder; "-" is standard input. Nothing is built or pulled.
    hadolint and `docker buildx build --check` are asked too, where they are.

    \b
    Exit codes: 0 nothing is broken; 1 something is (also by another linter's error); 2 unreadable or not known.
    Example:
      gpudoctor image lint Dockerfile compose.yaml --format json
    """
    from gpudoctor.report.image.lint import lint_report, render
    from gpudoctor.workflows.image.lint import lint

    found = lint(files, split_names(select), split_names(ignore), strict, own_rules)
    report = lint_report(found.files, found.judgement, found.others, found.exit_code)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = render(report, found.judgement, style, verbose)
    write_out(text, output)
    return found.exit_code
