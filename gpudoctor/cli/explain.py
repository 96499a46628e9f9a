"""`gpudoctor explain`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.output import write_out


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("cause", required=False, type=CauseName())
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(cause: str | None, form: str) -> int:
    """Print the page of CAUSE: what it is, why it hurts, how to tell, how to fix, sources.

    Without CAUSE, or with the name of a family, list the causes.
    """
    from gpudoctor.report import pages
    from gpudoctor.report.style import style_for

    write_out(pages.explain(cause, form, style_for(sys.stdout)), None)
    return 0
