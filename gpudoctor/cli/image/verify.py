"""`gpudoctor image verify`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.output import split_names, write_out
from gpudoctor.workflows.image.verify import DEFAULT_TIMEOUT


@click.command("verify", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("image", metavar="IMAGE|TAR|DIR")
@click.option("--gpu", metavar="NAME", multiple=True, help="A GPU that it will run on (repeatable).")
@click.option("--cc", metavar="X.Y", multiple=True, help="Its compute capability, if the name does not tell.")
@click.option(
    "--driver", metavar="VERSION", help="The driver that it will run on: 570.86.10, or a branch: 570."
)
@click.option("--snapshot", metavar="FILE", default="", help="It will run on the machine of this snapshot.")
@click.option("--platform", metavar="OS/ARCH", default="", help="Which of several: linux/arm64.")
@click.option("--tag", metavar="NAME", default="", help="Which of several images in an archive.")
@click.option("--engine", type=click.Choice(["docker", "podman"]), help="Whose image, if it is a name.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option("--select", multiple=True, type=CauseName(), help="Only these causes or families.")
@click.option("--ignore", multiple=True, type=CauseName(), help="Not these causes or families.")
@click.option("--strict", is_flag=True, help="Warnings are failures.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=3600.0),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For everything together; what was not read by then is not known.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show everything: layers, what passed, sources.")
def command(
    image: str,
    snapshot: str,
    platform: str,
    tag: str,
    engine: str | None,
    form: str,
    output: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    timeout: float,
    verbose: bool,
    **given: Any,
) -> int:
    """Say what is wrong with an image, without a GPU and without running anything in it.

    IMAGE is a name in a local engine, a file that `docker save`, `podman save` or `docker export` wrote, an OCI layout,
    or an unpacked folder. Nothing is pulled, and layers are not unpacked. What needs a GPU or a driver to judge against is
    judged when --gpu, --driver or --snapshot, or the label that `image plan` writes, say what it will run on.

    \b
    Exit codes: 0 nothing is broken; 1 something is; 2 not everything could be looked at, or wrong usage.
    Examples:
      gpudoctor image verify my/image:1 --gpu 'RTX 4090' --driver 550.163.01
      gpudoctor image verify image.tar --format json
    """
    from gpudoctor.report.image.verify import AimedAt, LeftOut, render, verify_report
    from gpudoctor.workflows.image.verify import Request, verify

    found = verify(
        Request(
            image,
            given,
            snapshot,
            platform,
            tag,
            engine or "",
            split_names(select),
            split_names(ignore),
            strict,
            timeout,
        )
    )
    target = found.target
    report = verify_report(
        found.machine,
        found.judgement,
        found.exit_code,
        AimedAt(target.gpus, target.driver, target.said_by) if target else None,
        tuple(LeftOut(left.causes, left.reason) for left in found.not_judged),
    )
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = render(report, found.judgement, style, verbose)
    write_out(text, output)
    return found.exit_code
