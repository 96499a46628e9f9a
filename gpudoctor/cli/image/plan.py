"""`gpudoctor image plan`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gpudoctor.cli.output import write_out


@click.command("plan", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("framework", type=click.Choice(["torch", "tensorflow", "jax"]))
@click.option("--version", metavar="VERSION", default="", help="This release: 2.5.1, 2.5, or 2.5.1+cu124.")
@click.option("--gpu", metavar="NAME", multiple=True, help="A GPU that it will run on (repeatable).")
@click.option("--cc", metavar="X.Y", multiple=True, help="Its compute capability, if the name does not tell.")
@click.option("--driver", metavar="VERSION", help="The driver that it will run on: 570.86.10, or 570.")
@click.option("--python", metavar="VERSION", help="The Python in the image: 3.12.")
@click.option("--machine", metavar="NAME", help="x86_64, aarch64.")
@click.option("--snapshot", metavar="FILE", default="", help="It will run on the machine of this snapshot.")
@click.option(
    "--mirror", metavar="NAME|FILE", default="none", show_default=True, help="none, cn, or your own profile."
)
@click.option("--base", metavar="IMAGE", default="", help="Your own base; IMAGE@sha256:... pins it.")
@click.option("--name", metavar="NAME", default="", help="Of the image to be built: my/image:1.")
@click.option("--classic", is_flag=True, help="For a builder without BuildKit: no cache mounts, no secrets.")
@click.option(
    "--output", metavar="FOLDER", default="", help="Write all files there; it must not exist, or be empty."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "dockerfile", "json"]), default="text", show_default=True
)
def command(
    framework: str,
    version: str,
    snapshot: str,
    mirror: str,
    base: str,
    name: str,
    classic: bool,
    output: str,
    form: str,
    **given: Any,
) -> int:
    """Choose base image, CUDA, cuDNN, Python and wheel for a framework, by the GPUs and the driver it will run on.

    The machine is this one, that of --snapshot, or the one that --gpu and --driver describe. Nothing is built or pulled. With
    --output: Dockerfile, lock, compose.yaml and devcontainer.json, all of them or none.

    \b
    Exit codes: 0 planned; 1 impossible, and the nearest that works is named; 2 not known, or wrong usage.
    Examples:
      gpudoctor image plan torch --gpu 'RTX 4090' --driver 550.163.01 --output my-image
      gpudoctor image plan tensorflow --version 2.12.0 --gpu A100 --driver 535
    """
    from gpudoctor.images.planned import write
    from gpudoctor.report.image.plan import image_plan_report, render
    from gpudoctor.report.style import style_for
    from gpudoctor.workflows.image.plan import Request, plan

    found = plan(Request(framework, version, given, snapshot, mirror, base, name, classic))
    if found.plan is not None and output:
        write(found.plan, output)
    report = image_plan_report(found.plan, found.found, found.nearest, found.judgement, found.exit_code)
    if form == "json":
        from gpudoctor.codec import to_json

        write_out(to_json(report) + "\n", None)
    elif form == "dockerfile" and found.plan is not None:
        write_out(found.plan.files[0].text, None)
    elif form == "dockerfile":  # a reader of a Dockerfile must not take words for it
        sys.stderr.write(render(report, found.found, "", style_for(sys.stderr)))
    else:
        write_out(render(report, found.found, output if found.plan else "", style_for(sys.stdout)), None)
    return found.exit_code
