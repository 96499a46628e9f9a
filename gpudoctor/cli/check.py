"""`gpudoctor check`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gpudoctor.cli.options import CauseName, split_names, write_out
from gpudoctor.workflows.check import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from gpudoctor.policy import Policy


@click.command("check", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True
)
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
def command(
    form: str,
    output: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    require_gpu: bool,
    pythons: tuple[str, ...],
    imports: bool,
    build: bool,
    wake: bool,
    root: str | None,
    snapshot: str | None,
    timeout: float | None,
    policy: str | None,
    baseline: str | None,
    verbose: bool,
) -> int:
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
    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request, run

    _one_source(root, snapshot, bool(pythons or imports or build or wake))
    request = Request(
        select=split_names(select),
        ignore=split_names(ignore),
        strict=strict,
        require_gpu=require_gpu,
        root=root or "",
        snapshot=snapshot or "",
        timeout=timeout,
        options=Options(wake, build, imports, pythons),
        policy=_read_policy(policy) if policy else None,
        baseline=baseline or "",
    )
    result = run(request)
    from gpudoctor.report.model import check_report

    report = check_report(result.machine, result.judgement, result.exit_code)
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    elif form == "junit":
        from gpudoctor.report import junit

        text = junit.render(report, result.judgement, strict)
    else:
        from gpudoctor.report import text as text_report
        from gpudoctor.report.style import Style, style_for

        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = text_report.render(report, result.judgement, style, verbose)
    write_out(text, output)
    return result.exit_code


def _read_policy(path: str) -> Policy:
    from gpudoctor.workflows.preflight import read_policy

    return read_policy(path)


def _one_source(root: str | None, snapshot: str | None, live_only: bool) -> None:
    if root and snapshot:
        raise click.UsageError("--root and --snapshot both say where the facts come from: give one")
    if snapshot and live_only:
        raise click.UsageError(
            "--python, --import, --build and --wake ask a live machine; a snapshot holds what was asked"
        )
