"""`gpudoctor runtime status|configure|unconfigure|prove|reload|restart`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gpudoctor.cli.output import write_out

if TYPE_CHECKING:
    from gpudoctor.report.changes import Change
    from gpudoctor.report.runtime import RuntimeReport
    from gpudoctor.report.style import Style
    from gpudoctor.workflows.runtime import Changed

_HELP = {"help_option_names": ["-h", "--help"]}
ENGINES = ("docker", "containerd", "crio", "podman")
F = TypeVar("F", bound=Callable[..., Any])

form_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
output_option = click.option(
    "--output", metavar="FILE", help="Write the report there instead of to standard output."
)
root_option = click.option(
    "--root", metavar="DIR", default="", help="Another root file system; nothing is executed."
)
name_option = click.option("--runtime", metavar="NAME", default="nvidia", show_default=True, help="Its name.")


@click.group("runtime", context_settings=_HELP)
def command() -> None:
    """Make a container engine ready for GPUs, prove that it is, and take it back.

    ENGINE: docker, containerd, crio, podman; to configure also toolkit, the NVIDIA Container Toolkit's own file. Exit codes: 0 well, or done; 1 pending, ill, or rolled back; 2 refused, could not tell, or wrong usage. `gpudoctor undo`
    takes a change back.

    \b
    Examples:
      gpudoctor runtime status                      which engines are here, what is wrong with them
      gpudoctor runtime configure docker            what would be changed, as a diff
      gpudoctor runtime configure docker --apply    change, reload, prove; taken back if the proof fails
      gpudoctor runtime prove docker                a throwaway container must see the GPU
    """


@command.command(
    "status", context_settings=_HELP, short_help="Which engines are here, and what is wrong with them."
)
@click.argument("engine", type=click.Choice(ENGINES), required=False, metavar="[ENGINE]")
@root_option
@form_option
@output_option
def status_command(engine: str | None, root: str, form: str, output: str | None) -> int:
    """Say which engines are here, what each is set up to do, and what is wrong.

    ENGINE: docker, containerd, crio, podman; without it all. Exit codes: 0 well; 1 something is wrong, or ENGINE is not set up; 2 could not tell, or wrong usage.

    \b
    Example:
      gpudoctor runtime status docker
    """
    from gpudoctor.report.runtime import render_status, runtime_report
    from gpudoctor.workflows.runtime.status import status

    found = status(engine or "", root)
    report = runtime_report(found.exit_code, found.judgement, engines=found.engines)
    _print(report, form, output, lambda style: render_status(found.engines, found.judgement.findings, style))
    return found.exit_code


def _changing(function: F) -> F:
    """The options that `configure` and `unconfigure` share."""
    options = (
        click.argument("engine", type=click.Choice((*ENGINES, "toolkit")), metavar="ENGINE"),
        name_option,
        click.option("--cdi", is_flag=True, help="CDI as well: the engine's switch, and the specification."),
        click.option(
            "--set",
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            help="toolkit: one of its settings (repeatable).",
        ),
        click.option(
            "--clean", is_flag=True, help="docker: take comments and extra commas out of daemon.json."
        ),
        click.option("--apply", "apply_", is_flag=True, help="Do it, instead of showing it."),
        click.option("--yes", is_flag=True, help="Consent to a restart that stops the listed containers."),
        click.option("--no-restart", is_flag=True, help="Write the files; restarting is left to you."),
        root_option,
        form_option,
        output_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command(
    "configure",
    context_settings=_HELP,
    short_help="Make an engine ready for GPUs: a diff first, then --apply.",
)
@_changing
@click.option("--path", metavar="FILE", default="", help="The runtime's program (usual: the toolkit's).")
@click.option("--default", is_flag=True, help="Make it the default runtime.")
@click.option("--repoint", is_flag=True, help="Give a runtime that is there already the new program.")
@click.option("--enable-cri", is_flag=True, help="containerd: switch the CRI plugin on, for Kubernetes.")
@click.option("--no-prove", is_flag=True, help="Start no throwaway container afterwards.")
@click.option("--image", metavar="NAME", default="", help="For that container: an image that the engine has.")
def configure_command(engine: str, settings: tuple[str, ...], **given: Any) -> int:
    """Show what would make ENGINE ready for GPUs, as a diff; with --apply do it.

    ENGINE: docker, containerd, crio, podman, toolkit. After the write come the engine's own validation, a reload or a restart, and a throwaway container; if one of them fails,
    everything is put back. Exit codes: 0 nothing to do, or applied; 1 pending, declined or rolled back; 2 refused,
    or wrong usage.

    \b
    Examples:
      gpudoctor runtime configure docker
      gpudoctor runtime configure docker --apply
      gpudoctor runtime configure containerd --default --apply --yes
      gpudoctor runtime configure toolkit --set nvidia-container-cli.no-cgroups=false
    """
    return _change(engine, settings, False, **given)


@command.command(
    "unconfigure", context_settings=_HELP, short_help="Take that out of an engine's files again."
)
@_changing
def unconfigure_command(engine: str, settings: tuple[str, ...], **given: Any) -> int:
    """Show how ENGINE is made to forget the runtime; with --apply do it.

    ENGINE: docker, containerd, crio, podman, toolkit. The default runtime goes with it. `--set KEY` takes a setting of the toolkit's out. Exit codes: 0 nothing to do, or
    applied; 1 pending, declined or rolled back; 2 refused, or wrong usage.

    \b
    Example:
      gpudoctor runtime unconfigure docker --apply
    """
    return _change(engine, settings, True, **given)


def _change(
    engine: str,
    settings: tuple[str, ...],
    remove: bool,
    *,
    runtime: str,
    cdi: bool,
    clean: bool,
    apply_: bool,
    yes: bool,
    no_restart: bool,
    root: str,
    form: str,
    output: str | None,
    path: str = "",
    default: bool = False,
    repoint: bool = False,
    enable_cri: bool = False,
    no_prove: bool = False,
    image: str = "",
) -> int:
    from gpudoctor.report import changes as shown
    from gpudoctor.report.runtime import runtime_report
    from gpudoctor.workflows import runtime as work
    from gpudoctor.workflows.runtime.find import Request

    request = Request(
        engine, remove, path, runtime, default, cdi, repoint, clean, enable_cri, settings, not no_restart, not no_prove,
        image, root,
    )  # fmt: skip
    changes: tuple[Changed, ...] = (work.planned(request),)
    if apply_ and changes[0].state == "pending":
        agreed = _consent(changes[0], yes)
        changes = work.applied(request, changes[0]) if agreed else (changes[0].replace(state="declined"),)
    code = work.exit_code(changes)
    report = runtime_report(code, changes=shown.Changes(apply_, tuple(map(_shown, changes))))
    again = f"gpudoctor runtime {'un' * remove}configure {engine}"
    _print(report, form, output, lambda style: shown.render(report.changes, style, again))
    return code


def _shown(changed: Changed) -> Change:
    from gpudoctor.report.changes import change_of

    hint = "--yes consents; --no-restart leaves the restart to you" if changed.state == "declined" else ""
    why = changed.outcome.why if changed.outcome else ""
    return change_of(changed.plan, changed.state, changed.outcome, why=why, hint=hint)


def _consent(changed: Changed, yes: bool) -> bool:
    """A restart that stops nothing needs none."""
    from gpudoctor.workflows.runtime import stops

    stopped = stops(changed.plan)
    if not stopped or yes:
        return True
    if not sys.stdin.isatty():
        return False
    click.echo(f"this stops: {', '.join(stopped)}", err=True)
    return click.confirm("restart now?", err=True)


@command.command(
    "prove", context_settings=_HELP, short_help="Start a throwaway container that must see the GPU."
)
@click.argument("engine", type=click.Choice(ENGINES), metavar="ENGINE")
@name_option
@click.option(
    "--depth",
    type=click.Choice(["config", "container", "gpu"]),
    default="gpu",
    show_default=True,
    help="How far to go.",
)
@click.option("--cdi", is_flag=True, help="docker: ask for the GPU by CDI device, not by runtime.")
@click.option("--default", is_flag=True, help="The runtime must be the default one.")
@click.option("--image", metavar="NAME", default="", help="An image that the engine has (it needs /bin/sh).")
@click.option(
    "--timeout",
    type=click.FloatRange(1.0, 3600.0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For each container.",
)
@form_option
@output_option
def prove_command(
    engine: str,
    runtime: str,
    depth: str,
    cdi: bool,
    default: bool,
    image: str,
    timeout: float,
    form: str,
    output: str | None,
) -> int:
    """Prove that containers get the GPU: the engine names the runtime, a throwaway container starts and sees the GPU.

    ENGINE: docker, containerd, crio, podman. Its image is made of this machine's shell and C library; nothing is downloaded, and image and container are removed.
    Exit codes: 0 proven; 1 disproved; 2 could not tell (no GPU here, or no way to start a container), or wrong usage.

    \b
    Examples:
      gpudoctor runtime prove docker
      gpudoctor runtime prove containerd --depth config
    """
    from gpudoctor.report.runtime import render_proof, runtime_report
    from gpudoctor.system.live import Live
    from gpudoctor.workflows.runtime.prove import Asked, prove, verdict

    port = Live(4 * timeout + 60.0)
    try:
        steps = prove(port, Asked(engine, runtime, depth, cdi, default, image, timeout))  # type: ignore[arg-type]
    finally:
        port.close()
    code = verdict(steps)
    _print(runtime_report(code, proof=steps), form, output, lambda style: render_proof(steps, code, style))
    return code


@command.command("reload", context_settings=_HELP, short_help="Make Docker read its file again.")
@click.argument("engine", type=click.Choice(["docker"]), metavar="docker")
def reload_command(engine: str) -> int:
    """Make Docker read its file again (SIGHUP): runtimes and the default runtime take effect, containers keep running.

    Exit codes: 0 it was told; 2 it could not be, or wrong usage.

    \b
    Example:
      gpudoctor runtime reload docker
    """
    from gpudoctor.workflows.runtime.restarting import reload

    write_out(reload(engine) + "\n", None)
    return 0


@command.command(
    "restart", context_settings=_HELP, short_help="Restart a daemon that no service manager looks after."
)
@click.argument("engine", type=click.Choice(["docker", "containerd"]))
@click.option(
    "--unless-broken", is_flag=True, help="docker: leave it running where it would not start with its file."
)
def restart_command(engine: str, unless_broken: bool) -> int:
    """Restart a daemon that no service manager looks after, as it was started: arguments, environment, user, log.

    For machines without systemd (WSL2's default until 2022, containers). Docker's containers stop, unless live-restore is on.
    Exit codes: 0 restarted; 2 refused or failed, or wrong usage.

    \b
    Example:
      gpudoctor runtime restart docker
    """
    from gpudoctor.workflows.runtime.restarting import restart

    write_out(restart(engine, unless_broken) + "\n", None)
    return 0


def _print(report: RuntimeReport, form: str, output: str | None, render: Callable[[Style], str]) -> None:
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report) + "\n"
    else:
        from gpudoctor.report.style import Style, style_for

        text = render(style_for(sys.stdout) if output in (None, "-") else Style(unicode=True))
    write_out(text, output)
