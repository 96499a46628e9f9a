"""`gpudoctor plan`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gpudoctor.cli.options import write_out

FORMS = ("text", "commands", "requirements", "uv", "conda", "json")


@click.command("plan", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", type=click.Choice(["torch", "tensorflow", "jax"]))
@click.option("--version", metavar="VERSION", default="", help="This release: 2.5.1, 2.5, or 2.5.1+cu124.")
@click.option("--gpu", metavar="NAME", multiple=True, help="Another machine's GPU, sm_86, 8.6 (repeatable).")
@click.option("--cc", metavar="X.Y", multiple=True, help="Its compute capability, if the name does not tell.")
@click.option("--driver", metavar="VERSION", help="Its driver: a version (570.86.10) or a branch (570).")
@click.option("--python", metavar="VERSION", help="The Python to install into: 3.12.")
@click.option("--os", metavar="NAME", help="linux, windows, wsl2.")
@click.option("--machine", metavar="NAME", help="x86_64, aarch64.")
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
def command(
    target: str,
    version: str,
    snapshot: str,
    mirror: str,
    proxy: str,
    wheelhouse: str,
    form: str,
    output: str | None,
    **given: Any,
) -> int:
    """Say exactly what to install, on this machine or another, and why that.

    Nothing is installed. Every build of the tables is judged by the rules of `check`; the newest that serves all the GPUs
    with the driver and Python that are there is chosen. Exit codes: 0 planned, 1 impossible, 2 not known (or wrong usage).

    \b
    Examples:
      gpudoctor plan torch
      gpudoctor plan torch --gpu V100 --driver 535.183.01 --python 3.11
      gpudoctor plan tensorflow --gpu 'GTX 1080' --format requirements > requirements.txt
      gpudoctor plan torch --mirror cn --proxy http://127.0.0.1:3128
      gpudoctor plan jax --gpu H100 --wheelhouse /media/usb/wheels --format commands
    """
    from gpudoctor.advice.route import route
    from gpudoctor.report.plan import plan_report, render
    from gpudoctor.workflows import plan

    found = plan.plan(target, version, given, snapshot, route(mirror, proxy, wheelhouse))
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
