"""`gpudoctor plan`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gpudoctor.cli.output import write_out
from gpudoctor.errors import GpudoctorError

FORMS = ("text", "commands", "requirements", "uv", "conda", "json")
FRAMEWORKS = ("torch", "tensorflow", "jax")
SOFTWARE = ("driver", "cuda", "cudnn", "tensorrt", "container-toolkit")
METHODS = ("apt", "dnf", "zypper", "runfile", "pip", "conda")
#: What only one half of the targets understands.
_OF_SOFTWARE = ("cuda", "distribution", "method", "prefix")


@click.command("plan", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", type=click.Choice([*FRAMEWORKS, *SOFTWARE]), metavar="TARGET")
@click.argument("release", metavar="[VERSION]", default="")
@click.option("--version", metavar="VERSION", default="", help="This release: 2.5.1, 2.5, or 2.5.1+cu124.")
@click.option("--gpu", metavar="NAME", multiple=True, help="Another machine's GPU, sm_86, 8.6 (repeatable).")
@click.option("--cc", metavar="X.Y", multiple=True, help="Its compute capability, if the name does not tell.")
@click.option("--driver", metavar="VERSION", help="Its driver: a version (570.86.10) or a branch (570).")
@click.option("--python", metavar="VERSION", help="The Python to install into: 3.12.")
@click.option("--os", metavar="NAME", help="linux, windows, wsl2.")
@click.option("--machine", metavar="NAME", help="x86_64, aarch64.")
@click.option(
    "--distribution", metavar="NAME", help="Its distribution: ubuntu24.04, debian12, rhel9, sles15..."
)
@click.option(
    "--cuda", metavar="VERSION", help="driver: the CUDA wanted. cudnn, tensorrt: for this CUDA (12, 13)."
)
@click.option(
    "--method", type=click.Choice(METHODS), help="How to install: the distribution's packages, or without."
)
@click.option("--prefix", metavar="DIR", help="cuda: the runfile's toolkit alone, into this folder.")
@click.option("--snapshot", metavar="FILE", default="", help="Plan for the machine of this snapshot.")
@click.option(
    "--mirror", metavar="NAME|FILE", default="none", show_default=True, help="none, cn, or your own profile."
)
@click.option("--proxy", metavar="URL", default="", help="http://host:port or socks5h://host:port.")
@click.option(
    "--wheelhouse", metavar="DIR", default="", help="Offline: fill DIR elsewhere, install from it here."
)
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the plan there instead of to standard output.")
def command(target: str, release: str, version: str, form: str, output: str | None, **given: Any) -> int:
    """Say exactly what to install, on this machine or another, and why that.

    TARGET: torch, tensorflow, jax, driver, cuda, cudnn, tensorrt, container-toolkit. Nothing is installed. Every build of the tables is judged by the rules of `check`; the newest that serves all the GPUs
    with the driver and Python that are there is chosen. Exit codes: 0 planned, 1 impossible, 2 not known (or wrong usage).

    \b
    Examples:
      gpudoctor plan torch
      gpudoctor plan torch --gpu V100 --driver 535.183.01 --python 3.11
      gpudoctor plan tensorflow --gpu 'GTX 1080' --format requirements > requirements.txt
      gpudoctor plan torch --mirror cn --proxy http://127.0.0.1:3128
      gpudoctor plan jax --gpu H100 --wheelhouse /media/usb/wheels --format commands
      gpudoctor plan driver --cuda 12.8
      gpudoctor plan cuda 12.4 --prefix ~/cuda1204
      gpudoctor plan cudnn --gpu V100 --cuda 12 --distribution ubuntu24.04
    """
    if release and version and release != version:
        raise GpudoctorError(f"two versions, {release} and {version}: name one", note="nothing was planned")
    version = version or release
    if target in FRAMEWORKS:
        return _framework(target, version, form, output, given)
    return _software(target, version, form, output, given)


def _framework(target: str, version: str, form: str, output: str | None, given: dict[str, Any]) -> int:
    from gpudoctor.advice.route import route
    from gpudoctor.report.plan import plan_report, render
    from gpudoctor.workflows import plan

    for name in _OF_SOFTWARE:
        if given.pop(name):
            hint = f"{target} comes by pip: its CUDA is that of the build, --version 2.11.0+cu128"
            raise GpudoctorError(
                f"plan {target} has no --{name}", context=f"--{name}", note="nothing was planned", hint=hint
            )
    way = route(given.pop("mirror"), given.pop("proxy"), given.pop("wheelhouse"))
    found = plan.plan(target, version, given, given.pop("snapshot"), way)
    code = plan.exit_code(found)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(plan_report(found, code)) + "\n"
    elif form == "text" or found.advice is None:
        from gpudoctor.report.style import Style, style_for

        text = render(found, style_for(sys.stdout) if output in (None, "-") else Style(unicode=True))
        if form != "text":
            # a reader of requirements or commands must not take words for them
            sys.stderr.write(text)
            return code
    else:
        from gpudoctor.advice.commands import render as render_form

        text = render_form(found.advice, form)
    write_out(text, output)
    return code


def _software(target: str, version: str, form: str, output: str | None, given: dict[str, Any]) -> int:
    from gpudoctor.advice.route import route
    from gpudoctor.report.plan import render_software, software_report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.workflows import software

    if form not in ("text", "commands", "json"):
        raise GpudoctorError(
            f"plan {target} has no --format {form}",
            context="--format",
            note="nothing was planned",
            hint="text, commands or json; for pip and conda see --method",
        )
    if given["prefix"]:
        import os

        given["prefix"] = os.path.expanduser(given["prefix"])
    way = route(given.pop("mirror"), given.pop("proxy"), given.pop("wheelhouse"))
    found = software.plan(target, version, given, given.pop("snapshot"), way)
    code = software.exit_code(found)
    style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(software_report(found, code)) + "\n"
    elif form == "text":
        text = render_software(found, style)
    elif found.installation is None or not found.installation.commands:
        # a reader of commands must not take words for them
        sys.stderr.write(render_software(found, style))
        return code
    else:
        text = "\n".join(found.installation.commands) + "\n"
    write_out(text, output)
    return code
