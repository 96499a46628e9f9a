"""`gpudoctor image sbom`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out
from gpudoctor.workflows.image.verify import DEFAULT_TIMEOUT


@click.command("sbom", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("image", metavar="IMAGE|TAR|DIR")
@click.option("--platform", metavar="OS/ARCH", default="", help="Which of several: linux/arm64.")
@click.option("--tag", metavar="NAME", default="", help="Which of several images in an archive.")
@click.option("--engine", type=click.Choice(["docker", "podman"]), help="Whose image, if it is a name.")
@click.option("--output", metavar="FILE", help="Write the bill there instead of to standard output.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=3600.0),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For everything together.",
)
def command(
    image: str, platform: str, tag: str, engine: str | None, output: str | None, timeout: float
) -> int:
    """Write the bill of materials of an image: CycloneDX 1.5, from its own package records.

    Offline, and without running anything in it. Python's, conda's, dpkg's and Alpine's records are read; an RPM database
    is told of on standard error. The same image gives the same bytes.

    \b
    Exit codes: 0 written; 2 nothing could be read, or wrong usage.
    Examples:
      gpudoctor image sbom my/image:1 --output sbom.json
      gpudoctor image sbom image.tar | jq '.components[].purl'
    """
    from gpudoctor.workflows.image.sbom import sbom
    from gpudoctor.workflows.image.verify import Request

    document, found = sbom(Request(image, platform=platform, tag=tag, engine=engine or "", timeout=timeout))
    for path in found.unread:
        print(
            f"gpudoctor: {path} was not understood: the packages that it names are missing", file=sys.stderr
        )
    import json

    write_out(json.dumps(document, indent=1, ensure_ascii=False) + "\n", output)
    return 0
