"""`gpudoctor build-tf`, and its subcommands, each a module of this folder, loaded when it is asked for."""

from __future__ import annotations

from typing import Any

import click

from gpudoctor.cli.main import Commands
from gpudoctor.cli.output import write_out
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


#: Subcommand -> its line in --help. The module is gpudoctor.cli.build_tf.<name>, its click command `command`.
COMMANDS = {
    "status": "Say how far a build is, and how it ended.",
    "revert": "Take back what was changed in the tree: patches, the options, configure's files.",
    "patch": "Show the patches for a tree as a unified diff of its own files. Nothing is changed.",
}


class Group(Commands):
    """`build-tf --source TREE ...` builds; `build-tf status`, `revert` and `patch` are commands of their own."""

    def __init__(self, name: str | None = None, **more: Any) -> None:
        super().__init__(name, COMMANDS, "gpudoctor.cli.build_tf", **more)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS:
            raise GpudoctorError(
                f"build-tf has no command {args[0]!r}",
                hint=f"its commands are {', '.join(COMMANDS)}; a tree is named with --source",
            )
        return super().resolve_command(ctx, args)


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
    from gpudoctor.cli.build_tf.building import build

    return build(source, form, output, given)


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
