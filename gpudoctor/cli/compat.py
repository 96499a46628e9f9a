"""`gpudoctor compat`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from gpudoctor.cli.output import write_out

#: Option -> (example, help). Each is a key of a question in a batch file too.
OPTIONS = {
    "gpu": ("NAME", "A product name, sm_86, or 8.6 (repeatable)."),
    "cc": ("X.Y", "Compute capability, where the name does not decide it."),
    "brand": ("NAME", "geforce, datacenter, quadro... where only that is known."),
    "driver": ("VERSION", "A version (570.86.10) or a branch (570)."),
    "cuda": (
        "VERSION",
        "Beside --torch the wheel's flavour, beside --tensorflow or --jax the installed libraries, "
        "beside --task, --gcc or --clang the toolkit, else the runtime.",
    ),
    "toolkit": ("VERSION", "A CUDA toolkit (nvcc)."),
    "cuda-compat": ("TEXT", "A cuda-compat package: cuda-compat-12-8."),
    "cudnn": ("VERSION", "A cuDNN."),
    "cudnn-package": ("NAME", "Its package: nvidia-cudnn-cu12."),
    "torch": ("VERSION", "2.5.1, or 2.5.1+cu124."),
    "tensorflow": ("VERSION", "A TensorFlow release."),
    "keras": ("VERSION", "A Keras release."),
    "jax": ("VERSION", "A JAX release."),
    "jax-plugin": ("NAME", "jax-cuda12-plugin, with a version or without."),
    "plugin": ("NAME", "The same."),
    "numpy": ("VERSION", "A NumPy release."),
    "python": ("VERSION", "A Python version: 3.12."),
    "gcc": ("VERSION", "A host compiler for nvcc."),
    "clang": ("VERSION", "A host compiler for nvcc."),
    "os": ("NAME", "linux, windows, wsl2."),
    "machine": ("NAME", "x86_64, aarch64."),
    "image": ("TAG", "An nvidia/cuda image: 12.4.1-base-ubuntu22.04."),
    "install": ("TEXT", "The command that would be run, or its requirements."),
    "package": ("NAME", "One of NVIDIA's wheels."),
    "version": ("VERSION", "Its version."),
    "installed": ("TEXT", "What is installed: nvidia-cudnn-cu12 9.10.2.21."),
    "look-for": ("PATH", "A library or path that is looked for in it."),
    "task": ("TEXT", "compile, compile sm_120."),
    "needs": ("TEXT", "What is needed: libcudnn.so.9, the open kernel module."),
}


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(OPTIONS):
        metavar, text = OPTIONS[name]
        many = name in ("gpu", "cc")
        function = click.option(f"--{name}", metavar=metavar, multiple=many, help=text)(function)
    return function


@click.command("compat", context_settings={"help_option_names": ["-h", "--help"]})
@_options
@click.option(
    "--batch",
    metavar="FILE",
    help="A question a line, as JSON with these options' names (- is standard input).",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the answer there instead of to standard output.")
def command(batch: str | None, form: str, output: str | None, **given: Any) -> int:
    """Say whether things fit together, before they are bought, rented or installed, and why not.

    Nothing on this machine is looked at. Exit codes: 0 yes, 1 no, 2 not known (or wrong usage).

    \b
    Examples:
      gpudoctor compat --gpu 'RTX 5090' --driver 570.86.10 --torch 2.5.1+cu124 --python 3.12
      gpudoctor compat --driver 535 --cuda 12.8
      gpudoctor compat --toolkit 12.4 --gcc 14
      gpudoctor compat --batch matrix.jsonl > answers.jsonl
    """
    from gpudoctor.workflows import compat

    asked = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}
    if batch is not None:
        if asked:
            raise click.UsageError("--batch holds its own questions: give it alone")
        return _batch(batch, output)
    if not asked:
        raise click.UsageError(
            "nothing is asked: name two things that have to fit, such as --driver and --cuda"
        )
    answer = compat.ask(asked)
    code = compat.exit_code(answer)
    if form == "json":
        from gpudoctor.codec import to_json
        from gpudoctor.report.compat import compat_report

        text = to_json(compat_report(answer, code)) + "\n"
    else:
        from gpudoctor.report.compat import render
        from gpudoctor.report.style import Style, style_for

        text = render(answer, style_for(sys.stdout) if output in (None, "-") else Style(unicode=True))
    write_out(text, output)
    return code


def _batch(path: str, output: str | None) -> int:
    from gpudoctor.workflows.compat import Batch, read_lines

    batch = Batch()
    found = batch.answers(read_lines(path))
    if output in (None, "-"):
        for line in found:
            sys.stdout.write(line + "\n")
    else:
        write_out("".join(line + "\n" for line in found), output)
    return batch.exit_code
