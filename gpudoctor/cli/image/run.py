"""`gpudoctor image run`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from gpudoctor.cli.output import write_out
from gpudoctor.workflows.image.run import DEFAULT_TIMEOUT


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("image", metavar="IMAGE")
@click.option(
    "--engine", type=click.Choice(["docker", "podman"]), help="Instead of the first that has the image."
)
@click.option(
    "--gpus",
    metavar="LIST",
    default="all",
    show_default=True,
    help="all, none, or 0,1 as in nvidia-smi, UUIDs.",
)
@click.option("--smoke", is_flag=True, help="Also train for seconds in the container, with its frameworks.")
@click.option(
    "--zipapp",
    metavar="FILE",
    default="",
    help="Mount this one (scripts/make-zipapp) instead of one made of this installation.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option("--strict", is_flag=True, help="Warnings are failures.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=5.0, max=86400.0),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For everything together.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything: all differences, evidence, sources.")
def command(
    image: str,
    engine: str | None,
    gpus: str,
    smoke: bool,
    zipapp: str,
    form: str,
    output: str | None,
    strict: bool,
    timeout: float,
    verbose: bool,
) -> int:
    """Run check (and smoke) in a throwaway container of an image, and say how it differs from the host.

    The container has the GPUs in the way that fits this engine (--gpus, the nvidia runtime, or CDI), no network, and is
    removed however this ends. In it runs the image's own gpudoctor, else this one under the image's Python (3.10 or
    newer); where neither can, the image's files are read and smoke is left out. Nothing is pulled.

    \b
    Exit codes: 0 nothing is broken on either side; 1 something is, or the GPUs do not reach the container; 2 not
    everything could be looked at, or wrong usage.
    Examples:
      gpudoctor image run my/image:1 --smoke
      gpudoctor image run my/image:1 --gpus 0,1 --format json
    """
    from gpudoctor.report.image.run import render, run_report
    from gpudoctor.workflows.image.run import Request, run

    for number in (signal.SIGTERM, signal.SIGHUP):  # else nobody would remove the container
        signal.signal(number, _interrupted)
    result = run(Request(image, engine or "", gpus, smoke, zipapp, strict, timeout))
    report = run_report(result)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        from gpudoctor.report.style import Style, style_for

        text = render(
            report, style_for(sys.stdout) if output in (None, "-") else Style(unicode=True), verbose
        )
    write_out(text, output)
    return result.exit_code


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
