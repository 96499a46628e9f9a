"""`gpudoctor build-tf`."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from gpudoctor.cli.output import split_names, write_out
from gpudoctor.errors import GpudoctorError

STAGES = (
    "detect",
    "preflight",
    "view",
    "mirrors",
    "patch",
    "configure",
    "fetch",
    "build",
    "wheel",
    "install",
    "smoke",
)
_STAGE = click.Choice(STAGES)


class Group(click.Group):
    """`build-tf --source TREE ...` builds; `build-tf status`, `revert` and `patch` are commands of their own."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            raise GpudoctorError(
                f"build-tf has no command {args[0]!r}",
                hint=f"its commands are {', '.join(self.commands)}; a tree is named with --source",
            )
        return super().resolve_command(ctx, args)


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path)) if path else ""


@click.group(
    "build-tf",
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--source", metavar="TREE", default="", help="The TensorFlow source tree.")
@click.option(
    "--version",
    "wanted",
    metavar="VERSION",
    default="",
    help="No tree yet: print where that release's source is.",
)
@click.option(
    "--cuda",
    metavar="X.Y.Z",
    default="",
    help="A key of the tree (12.4.0); else the local CUDA's, else the tree's own choice.",
)
@click.option("--cudnn", metavar="X.Y.Z", default="", help="The same for cuDNN (9.3.0).")
@click.option(
    "--capabilities",
    metavar="LIST",
    default="auto",
    show_default=True,
    help="sm_86,compute_90; auto: of the GPUs here.",
)
@click.option(
    "--local-cuda", metavar="DIR", default="", help="Build with this CUDA instead of downloading one."
)
@click.option(
    "--local-cudnn",
    metavar="DIR",
    default="",
    help="The same for cuDNN (/usr where Debian's packages put it).",
)
@click.option("--local-nccl", metavar="DIR", default="", help="The same for NCCL.")
@click.option(
    "--clang",
    metavar="PATH",
    default="",
    help="The compiler; else the release's clang where Debian puts it, else PATH.",
)
@click.option("--python", metavar="X.Y", default="", help="The wheel's Python; else the venv's.")
@click.option("--venv", metavar="DIR", default="", help="Install the wheel there and try it.")
@click.option(
    "--mirror",
    metavar="NAME|FILE",
    default="none",
    show_default=True,
    help="Where Bazel and pip fetch from (docs/mirrors.md).",
)
@click.option("--distdir", metavar="DIR", default="", help="A folder with downloaded archives, for Bazel.")
@click.option(
    "--repository-cache", metavar="DIR", default="", help="A cache of downloads that several builds share."
)
@click.option(
    "--method",
    type=click.Choice(["outside", "patch"]),
    default="outside",
    show_default=True,
    help="Leave the tree as it is, or patch it.",
)
@click.option(
    "--patch",
    "patches",
    metavar="NAMES",
    multiple=True,
    help="With --method patch: mirrors,lib64,cupti,clang-path,capabilities.",
)
@click.option("--jobs", metavar="N", default="auto", show_default=True, help="auto: by memory.")
@click.option("--output-user-root", metavar="DIR", default="", help="Where Bazel works: a disk with room.")
@click.option("--targets", metavar="NAMES", multiple=True, help="wheel (default), libtensorflow.")
@click.option(
    "--workdir",
    metavar="DIR",
    default="",
    help="State, logs, views (default: below gpudoctor's state folder).",
)
@click.option("--only", metavar="STAGE", type=_STAGE, default=None, help="This stage alone.")
@click.option(
    "--from",
    "start",
    metavar="STAGE",
    type=_STAGE,
    default=None,
    help="From this stage on, also if it is done.",
)
@click.option("--until", metavar="STAGE", type=_STAGE, default=None, help="Stop after this stage.")
@click.option("--ignore", metavar="ROWS", multiple=True, help="Preflight rows that may fail.")
@click.option("--allow-cpu", is_flag=True, help="Try the wheel on the CPU where there is no GPU.")
@click.option(
    "--timeout",
    metavar="HOURS",
    type=click.FloatRange(0.001, 1000),
    default=48.0,
    show_default=True,
    help="For each call of Bazel.",
)
@click.option(
    "--retry-pause",
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    default=10.0,
    help="Before a download is tried again.",
)
@click.option("--dry-run", is_flag=True, help="Say what each stage would do; write nothing.")
@click.option(
    "--in-container", is_flag=True, help="Do all of it in the image that TensorFlow's own builds use."
)
@click.option("--image", metavar="IMAGE", default="", help="Another image for --in-container.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option("-v", "--verbose", is_flag=True, help="Every preflight row, every progress line.")
@click.pass_context
def command(
    ctx: click.Context, /, source: str, wanted: str, form: str, output: str | None, **given: Any
) -> int:
    """Build TensorFlow with CUDA from source, and stop early where it would fail late.

    The stages: detect, preflight, view, mirrors, patch, configure, fetch, build, wheel, install, smoke. Each is done once for the same
    request; a run that was stopped goes on where it stopped. Exit codes: 0 done, 1 a stage failed, 2 refused (or wrong usage).

    \b
    Examples:
      gpudoctor build-tf --version 2.18.1
      gpudoctor build-tf --source ~/tensorflow --dry-run
      gpudoctor build-tf --source ~/tensorflow --venv ~/venv --local-cuda /opt/cuda-12.4 --cudnn 9.3.0 --mirror cn
      gpudoctor build-tf status --source ~/tensorflow
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = source
        return 0
    if wanted:
        return _version(wanted)
    if not source:
        raise GpudoctorError(
            "which tree?",
            context="--source is missing",
            hint="--source TREE, or --version 2.18.1 for where to get one",
        )
    return _build(source, form, output, given)


def _version(wanted: str) -> int:
    from gpudoctor.workflows.build_tf import archive

    found = archive(wanted)
    name = f"v{found.version}.tar.gz"
    write_out(
        f"curl -L -o {name} {found.url}\n"
        f"echo '{found.sha256}  {name}' | sha256sum --check\n"
        f"tar xf {name}        # about 1 GB, on a disk with 60 GB free; not inside a Python package or another workspace\n"
        f"gpudoctor build-tf --source tensorflow-{found.version} --dry-run\n"
        f"# checksum from {found.source}\n",
        None,
    )
    return 0


def request_of(source: str, given: dict[str, Any]) -> Any:
    from gpudoctor.tfbuild.capabilities import tidy
    from gpudoctor.tfbuild.patching import NAMES, load
    from gpudoctor.tfbuild.request import Request

    patches = split_names(given["patches"])
    for name in patches:
        load(name)
    if given["method"] == "patch" and not patches:
        patches = NAMES
    return Request(
        _absolute(source),
        given["cuda"],
        given["cudnn"],
        given["capabilities"] if given["capabilities"] == "auto" else tidy(given["capabilities"]),
        _absolute(given["local_cuda"]),
        _absolute(given["local_cudnn"]),
        _absolute(given["local_nccl"]),
        _absolute(given["clang"]) if "/" in given["clang"] else given["clang"],
        given["python"],
        _absolute(given["venv"]),
        given["mirror"] if given["mirror"] in ("none", "cn") else _absolute(given["mirror"]),
        _absolute(given["distdir"]),
        _absolute(given["repository_cache"]),
        given["method"],
        tuple(patches),
        given["jobs"],
        _absolute(given["output_user_root"]),
        split_names(given["targets"]) or ("wheel",),
        _absolute(given["workdir"]),
        split_names(given["ignore"]),
        given["allow_cpu"],
        given["timeout"] * 3600,
        given["retry_pause"],
    )


def _build(source: str, form: str, output: str | None, given: dict[str, Any]) -> int:
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


def _source(ctx: click.Context, source: str) -> str:
    found = source or ctx.obj or ""
    if not found:
        raise GpudoctorError(
            "which tree?", context="--source is missing", note="nothing was done", hint="--source TREE"
        )
    return _absolute(found)


@command.command("status")
@click.option("--source", metavar="TREE", default="", help="The tree that is being built.")
@click.option("--workdir", metavar="DIR", default="", help="The work folder, if it was named.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.pass_context
def status(ctx: click.Context, source: str, workdir: str, form: str, output: str | None) -> int:
    """Say how far a build is, and how it ended.

    Exit codes: 0 said, whatever it is; 2 no build of that tree was begun, or wrong usage.

    \b
    Example:
      gpudoctor build-tf status --source ~/tensorflow
    """
    from gpudoctor.report import build_tf as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.workflows import build_tf

    folder, state, running = build_tf.status(_source(ctx, source), _absolute(workdir))
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.status_report(folder, state, running)) + "\n"
    else:
        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = report.render_status(folder, state, running, style)
    write_out(text, output)
    return 0


@command.command("revert")
@click.option("--source", metavar="TREE", default="", help="The tree.")
@click.option("--workdir", metavar="DIR", default="", help="The work folder, if it was named.")
@click.option("--force", is_flag=True, help="Also take back files that somebody changed since.")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
@click.pass_context
def revert(ctx: click.Context, source: str, workdir: str, force: bool, dry_run: bool) -> int:
    """Take back what was changed in the tree: patches, the options, configure's files.

    Exit codes: 0 taken back, or nothing to take back; 2 refused, or wrong usage.

    \b
    Examples:
      gpudoctor build-tf revert --source ~/tensorflow --dry-run
      gpudoctor build-tf revert --source ~/tensorflow
    """
    from gpudoctor.workflows import build_tf

    lines = build_tf.revert(_source(ctx, source), _absolute(workdir), force=force, dry=dry_run)
    write_out("".join(f"{line}\n" for line in lines), None)
    return 0


@command.command("patch")
@click.argument("names", nargs=-1)
@click.option("--source", metavar="TREE", default="", help="The tree.")
@click.option(
    "--export",
    "export",
    metavar="FILE",
    default=None,
    help="Write the unified diff there (- is standard output).",
)
@click.option("--list", "listing", is_flag=True, help="Say what each patch is.")
@click.pass_context
def patch(ctx: click.Context, names: tuple[str, ...], source: str, export: str | None, listing: bool) -> int:
    """Show the patches for a tree as a unified diff of its own files. Nothing is changed.

    To apply them with a way back: `gpudoctor build-tf --source TREE --method patch --only patch`. Exit codes: 0 shown, also
    if there is nothing to patch; 2 the tree can't be read, or wrong usage.

    \b
    Examples:
      gpudoctor build-tf patch --list
      gpudoctor build-tf patch --source ~/tensorflow mirrors lib64 --export tree.patch
    """
    from gpudoctor.tfbuild import patching

    if listing:
        pages = (
            f"{one.id}: {one.title}\n  what: {one.what}\n  why: {one.why}\n  trees: {one.trees}\n"
            f"  recognised: {one.recognised}\n  verified: {one.verified}\n  better: {one.better}\n  limits: {one.limits}\n"
            for one in patching.pages()
        )
        write_out("".join(pages), None)
        return 0
    from gpudoctor.workflows import build_tf

    text = build_tf.export_patch(_source(ctx, source), split_names(names))
    if not text:
        click.echo("nothing to patch in this tree: all is there already, or not needed", err=True)
    write_out(text, export)
    return 0
