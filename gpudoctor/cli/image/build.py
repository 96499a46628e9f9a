"""`gpudoctor image build`."""

from __future__ import annotations

import sys

import click

from gpudoctor.cli.output import write_out
from gpudoctor.errors import GpudoctorError


@click.command("build", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("context", metavar="FOLDER")
@click.option(
    "-f", "--file", "dockerfile", metavar="FILE", default="", help="The Dockerfile, if not FOLDER's own."
)
@click.option("-t", "--tag", "tags", metavar="NAME", multiple=True, help="The image's name (repeatable).")
@click.option(
    "--build-arg", "arguments", metavar="NAME=VALUE", multiple=True, help="An ARG's value (repeatable)."
)
@click.option("--secret", "secrets", metavar="ID=FILE", multiple=True, help="For RUN --mount=type=secret.")
@click.option("--target", metavar="STAGE", default="", help="Build up to this stage.")
@click.option("--network", metavar="MODE", default="", help="Of RUN: host, none, or the engine's own.")
@click.option(
    "--mirror", metavar="NAME|FILE", default="none", show_default=True, help="none, cn, or your own profile."
)
@click.option("--proxy", metavar="URL", default="", help="For the build's downloads; no part of the image.")
@click.option(
    "--ca", metavar="FILE", default="", help="Certificates to trust in the build, as the secret `ca`."
)
@click.option(
    "--builder",
    type=click.Choice(["buildx", "docker", "podman", "buildah"]),
    help="Instead of the first that is there.",
)
@click.option(
    "--oci",
    metavar="FILE",
    default="",
    help="Write an OCI archive instead of an image of the engine (buildx).",
)
@click.option("--no-cache", is_flag=True, help="Build every step anew.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=86400.0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="For the whole build; then it is cancelled.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show what the steps print.")
def command(
    context: str,
    dockerfile: str,
    tags: tuple[str, ...],
    arguments: tuple[str, ...],
    secrets: tuple[str, ...],
    target: str,
    network: str,
    mirror: str,
    proxy: str,
    ca: str,
    builder: str | None,
    oci: str,
    no_cache: bool,
    form: str,
    output: str | None,
    timeout: float,
    verbose: bool,
) -> int:
    """Build an image, follow its steps, and name the cause if one fails.

    With `docker buildx`, else Docker's classic builder, podman or buildah. The steps go to standard error, the report to
    standard output. When it is interrupted or its time is over, the build is cancelled and nothing is left behind.

    \b
    Exit codes: 0 built; 1 a step failed; 2 nothing could be begun, or wrong usage.
    Examples:
      gpudoctor image build . -t my/image:1
      gpudoctor image build . -t my/image:1 --mirror cn --proxy http://127.0.0.1:3128
    """
    from gpudoctor.images.building.steps import Order, Step
    from gpudoctor.report.image.build import build_report, news, render
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.workflows.image.build import Request, build

    order = Order(
        context,
        dockerfile,
        tags,
        _pairs(arguments, "--build-arg", "NAME=VALUE"),
        _pairs(secrets, "--secret", "ID=FILE"),
        target,
        network,
        f"type=oci,dest={oci}" if oci else "",
        no_cache,
        timeout,
    )
    live = style_for(sys.stderr)

    def watch(step: Step, line: str) -> None:
        said = news(step, line, live, verbose)
        if said:
            print(said, file=sys.stderr, flush=True)

    result = build(Request(order, builder or "", mirror, proxy, ca), watch)
    report = build_report(result.built, result.diagnoses, result.notes, tags, result.exit_code)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        text = render(report, style_for(sys.stdout) if output in (None, "-") else Style(unicode=True))
    write_out(text, output)
    return result.exit_code


def _pairs(values: tuple[str, ...], option: str, shape: str) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name:
            raise GpudoctorError(f"{option} {value!r} is not {shape}", note="nothing was built")
        found.append((name, rest))
    return tuple(found)
