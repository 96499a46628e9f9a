"""`gpudoctor check`."""

from __future__ import annotations

from typing import Any

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.plain.check import FORMS, check
from gpudoctor.workflows.check import DEFAULT_TIMEOUT


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option(
    "--select", multiple=True, type=CauseName(), help="Only these causes or families (repeatable, commas)."
)
@click.option(
    "--ignore", multiple=True, type=CauseName(), help="Not these causes or families (repeatable, commas)."
)
@click.option("--strict", is_flag=True, help="Warnings are failures.")
@click.option("--require-gpu", is_flag=True, help="A machine without an NVIDIA GPU is a failure, not a note.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="Also examine this interpreter, venv, conda environment or Jupyter kernel (repeatable).",
)
@click.option(
    "--import", "imports", is_flag=True, help="Also import the frameworks, each in a process of its own."
)
@click.option("--build", is_flag=True, help="Also compile a three-line kernel with the selected nvcc.")
@click.option("--wake", is_flag=True, help="Ask a sleeping laptop GPU too (it wakes up).")
@click.option("--root", metavar="DIR", help="Examine another root file system; nothing in it is executed.")
@click.option("--snapshot", metavar="FILE", help="Judge a recorded machine instead of this one.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=3600.0),
    show_default=f"{DEFAULT_TIMEOUT:.0f}, or the policy's",
    metavar="SECONDS",
    help="For everything together; what has not answered by then is reported as such.",
)
@click.option("--policy", metavar="FILE", help="Judge by this policy (docs/preflight.md).")
@click.option("--baseline", metavar="SNAPSHOT", help="What differs from this snapshot is a finding.")
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Show everything: evidence of notes, what passed, what does not apply.",
)
def command(**given: Any) -> int:
    """Say what is wrong with this machine's GPU stack: the cause by name, the evidence, the fix.

    Changes nothing on the machine. Exit codes: 0 nothing is broken; 1 something is; 2 no fault was found but not
    everything could be looked at, or wrong usage.

    \b
    Examples:
      gpudoctor check                          what is wrong here
      gpudoctor check --python ~/venv -v       and in that environment, with all evidence
      gpudoctor check --require-gpu --format junit --output gpu.xml
      gpudoctor check --root /mnt/image        an unpacked image or a mounted disk
    """
    return check(**given)
