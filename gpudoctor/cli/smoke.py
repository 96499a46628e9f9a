"""`gpudoctor smoke`."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from gpudoctor.cli.output import split_names, write_file, write_out

FRAMEWORKS = ("torch", "tensorflow", "jax")


@click.command("smoke", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--framework", metavar="NAMES", multiple=True, help="torch, tensorflow, jax (default: those installed)."
)
@click.option(
    "--python", metavar="PATH", default="", help="The interpreter, venv or conda environment of your job."
)
@click.option("--gpus", metavar="LIST", multiple=True, help="0,2 as in nvidia-smi, UUIDs, or all (default).")
@click.option(
    "--allow-cpu", is_flag=True, help="Work on the CPU where no GPU can be had; it proves nothing of a GPU."
)
@click.option("--full", is_flag=True, help="Everything (minutes), not only the quick phases (seconds).")
@click.option(
    "--burn",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400),
    default=0.0,
    help="Then repeat exact products so long (torch).",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1, 864000),
    help="For each framework and GPU in all.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True
)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option(
    "--save-plot",
    metavar="FILE",
    help="Loss curves and rates: FILE.html, FILE.svg, or FILE.png (needs matplotlib).",
)
@click.option(
    "--tensorboard",
    metavar="DIR",
    help="Write losses, rates and the model's graph there, with the framework's own writer.",
)
@click.option("-v", "--verbose", is_flag=True, help="Every witness, every value, the children's output.")
def command(
    framework: tuple[str, ...],
    python: str,
    gpus: tuple[str, ...],
    allow_cpu: bool,
    full: bool,
    burn: float,
    timeout: float | None,
    form: str,
    output: str | None,
    save_plot: str | None,
    tensorboard: str | None,
    verbose: bool,
) -> int:
    """Train small models for seconds in your own environment, and prove that the GPU did the work.

    Each framework works in a child process of the interpreter under test; NVML watches from another. PASS needs results
    that are right, and witnesses inside and outside of the process. Exit codes: 0 PASS on every GPU asked for (with
    --allow-cpu: or clean on the CPU), 1 any FAIL, 2 unconfirmed, skipped, no GPU, or wrong usage.

    \b
    Examples:
      gpudoctor smoke                              what is installed, on every GPU
      gpudoctor smoke --python ~/venv --full       every kind of model, in that environment
      gpudoctor smoke --gpus 0,2 --format junit --output smoke.xml
    """
    from gpudoctor.workflows.smoke import Request, smoke

    names = split_names(framework)
    for name in names:
        if name not in FRAMEWORKS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(FRAMEWORKS)}", param_hint="--framework")
    if save_plot:
        from gpudoctor.report.smoke_plot import must_be_drawable

        must_be_drawable(save_plot)
    request = Request(
        tuple(dict.fromkeys(names)),
        python,
        split_names(gpus),
        allow_cpu,
        full,
        burn,
        timeout or 0.0,
        tensorboard or "",
    )
    # A scheduler that ends us must not leave a child on the GPU: as an interrupt it ends the child first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = smoke(request, _progress() if form == "text" else _silence)
    from gpudoctor.report import smoke as report

    made = report.smoke_report(result.run, result.judgement, result.exit_code)
    if save_plot:
        from gpudoctor.report.smoke_plot import drawn

        write_file(drawn(result.run, save_plot), save_plot, "--save-plot")
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(made) + "\n"
    elif form == "junit":
        text = report.junit(made)
    else:
        from gpudoctor.report.style import Style, style_for

        text = report.render(
            made, style_for(sys.stdout) if output in (None, "-") else Style(unicode=True), verbose
        )
    write_out(text, output)
    return result.exit_code


def _silence(where: Any, framework: str, event: Any) -> None:
    return None


def _progress() -> Callable[[Any, str, Any], None]:
    """A line a phase on standard error, as it ends; on a terminal also what is being done."""
    from gpudoctor.facts.smoke import Phase
    from gpudoctor.report.smoke import progress
    from gpudoctor.report.style import style_for
    from gpudoctor.smoke.phases import exercises

    style, terminal = style_for(sys.stderr), sys.stderr.isatty()
    begun: dict[tuple[str, str], float] = {}
    lock = threading.Lock()

    def heard(where: Any, framework: str, event: Any) -> None:
        name = str(event.get("phase", ""))
        key = (where.label, framework)
        if event.get("event") == "begin" and name != "exit":
            begun[key] = float(event["t"])
            if terminal:
                with lock:
                    sys.stderr.write(f"\r\x1b[K  {framework}, {where.label}: {name} ...")
                    sys.stderr.flush()
        if event.get("event") != "end":
            return
        seconds = float(event["t"]) - begun.get(key, float(event["t"]))
        phase = Phase(name, event.get("state", "failed"), seconds)
        line = progress(where.label, framework, phase, exercises(framework, name, where.cpu), style)
        with lock:
            sys.stderr.write(("\r\x1b[K" if terminal else "") + line + "\n")
            sys.stderr.flush()

    return heard
