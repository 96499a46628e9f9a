"""`gpudoctor explain`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.output import write_out


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("cause", required=False, type=CauseName())
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the page there instead of to standard output.")
def command(cause: str | None, form: str, output: str | None) -> int:
    """Print the page of CAUSE: what it is, why it hurts, how to tell, how to fix, sources.

    Without CAUSE, or with the name of a family, list the causes. Exit codes: 0 answered, 2 there is no such cause (or
    wrong usage).

    \b
    Examples:
      gpudoctor explain                            all causes, by family
      gpudoctor explain driver                     those of a family
      gpudoctor explain driver-library-mismatch    the page of one
    """
    from gpudoctor.report import pages

    chosen = pages.choose(cause)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(pages.explain_report(chosen)) + "\n"
    else:
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = pages.render(chosen, style, whole=chosen[0].id == cause)
    write_out(text, output)
    return 0
