"""`gpudoctor build-tf --source TREE`: what was asked for as a request, the run, its report."""

from __future__ import annotations

import sys
from typing import Any

import click

from gpudoctor.cli.build_tf.naming import absolute
from gpudoctor.cli.output import split_names, write_out


def build(source: str, form: str, output: str | None, given: dict[str, Any]) -> int:
    from gpudoctor.report import build_tf as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.tfbuild.request import chosen_stages
    from gpudoctor.workflows import build_tf

    stages = chosen_stages(given["only"] or "", given["start"] or "", given["until"] or "")
    forced = [name for name in (given["only"], given["start"]) if name]
    if given["start"]:  # --from: from there on everything is done again
        forced = list(stages)
    request = request_of(source, given)
    if given["in_container"]:
        from gpudoctor.workflows.build_tf_container import run_in_container

        return run_in_container(request, sys.argv[1:], given["image"])
    style = style_for(sys.stderr)
    verbose = given["verbose"]

    def tell(text: str) -> None:
        click.echo(text, err=True)

    ran = build_tf.run(
        request,
        stages,
        forced=forced,
        dry=given["dry_run"],
        say=tell,
        progress=Meter(tell, verbose),
        began=lambda name: tell(f"{style.glyph('note')} {name} ..."),
    )
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.build_report(ran)) + "\n"
    else:
        plain = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = report.render_rows(ran.rows, plain, verbose)
        text += "".join(report.render_stage(stage, plain) for stage in ran.stages)
        text += report.render_end(ran, plain)
    write_out(text, output)
    return report.exit_code(ran)


def request_of(source: str, given: dict[str, Any]) -> Any:
    from gpudoctor.tfbuild.capabilities import tidy
    from gpudoctor.tfbuild.patching.pages import NAMES, load
    from gpudoctor.tfbuild.request import Request

    patches = split_names(given["patches"])
    for name in patches:
        load(name)
    if given["method"] == "patch" and not patches:
        patches = NAMES
    return Request(
        absolute(source),
        given["cuda"],
        given["cudnn"],
        given["capabilities"] if given["capabilities"] == "auto" else tidy(given["capabilities"]),
        absolute(given["local_cuda"]),
        absolute(given["local_cudnn"]),
        absolute(given["local_nccl"]),
        absolute(given["clang"]) if "/" in given["clang"] else given["clang"],
        given["python"],
        absolute(given["venv"]),
        given["mirror"] if given["mirror"] in ("none", "cn") else absolute(given["mirror"]),
        absolute(given["distdir"]),
        absolute(given["repository_cache"]),
        given["method"],
        tuple(patches),
        given["jobs"],
        absolute(given["output_user_root"]),
        split_names(given["targets"]) or ("wheel",),
        absolute(given["workdir"]),
        split_names(given["ignore"]),
        given["allow_cpu"],
        given["timeout"] * 3600,
        given["retry_pause"],
    )


class Meter:
    """A progress line every thirty seconds, or each one with -v."""

    def __init__(self, tell: Any, verbose: bool) -> None:
        self._tell, self._verbose, self._last = tell, verbose, 0.0

    def __call__(self, told: Any) -> None:
        import time

        from gpudoctor.report.build_tf import progress_line

        now = time.monotonic()
        if self._verbose or now - self._last > 30 or told.done >= told.total:
            self._last = now
            self._tell(progress_line(told.done, told.total, told.left, told.words))
