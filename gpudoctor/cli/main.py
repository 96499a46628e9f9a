"""The commands by name, each loaded only when it is asked for; errors in four parts; exit codes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from gpudoctor import __version__
from gpudoctor.cli.entry import guarded
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError

#: Command -> its line in --help. The module is gpudoctor.cli.<command> with "_" for "-", its click command `command`.
COMMANDS: Mapping[str, str] = {
    "check": "Say what is wrong with this machine's GPU stack, and prove it.",
    "compat": "Say whether a GPU, driver, toolkit and framework would fit together.",
    "diagnose": "Name the cause of what a log or a failing program complains of.",
    "plan": "Say exactly what to install for this machine's GPUs, or another's.",
    "preflight": "Start a job only on a machine that meets its policy.",
    "image": "Plan a container image for a driver, and verify one without a GPU.",
    "fix": "Mend what check finds: a diff first, then a change that can be taken back.",
    "undo": "Take back a change that fix or runtime made, or list them.",
    "runtime": "Make Docker, containerd, CRI-O or Podman ready for GPUs, and prove it.",
    "smoke": "Train for seconds, and prove that the GPU did the work.",
    "build-tf": "Build TensorFlow with CUDA from source, and stop early where it would fail late.",
    "explain": "Print the page of a cause, or list all causes.",
    "snapshot": "Record this machine's facts, redacted, for judging elsewhere.",
    "diff": "Say what changed between two snapshots.",
    "completion": "Print the completion script of a shell.",
}


class Commands(click.Group):
    """Imports a command's module when that command is run; --help needs none of them.

    `lines`: command -> its line in --help; `package`: where their modules are."""

    def __init__(
        self,
        name: str | None = None,
        lines: Mapping[str, str] = COMMANDS,
        package: str = "gpudoctor.cli",
        **more: Any,
    ) -> None:
        super().__init__(name, **more)
        self._lines, self._package = lines, package

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lines:
            return None
        module = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self._lines:
            import difflib

            near = difflib.get_close_matches(name, self._lines, 2, 0.5)
            usage = f"`{ctx.command_path} --help` lists the commands"
            hint = f"did you mean {' or '.join(near)}?" if near else usage
            raise GpudoctorError(f"there is no command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=False
)
@click.version_option(__version__, prog_name="gpudoctor")
def cli() -> None:
    """gpudoctor says what is wrong with a machine's GPU stack: the cause by name, the evidence, the fix.

    Start with `gpudoctor check`. Exit codes: 0 well, 1 something is wrong, 2 could not tell (or wrong usage).
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line by click; returns the exit code."""
    return guarded(lambda: _run(arguments), arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        result = cli.main(list(arguments), prog_name="gpudoctor", standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        if (
            type(error).__name__ == "NoArgsIsHelpError"
        ):  # click 8.2 and later: its message is the whole --help
            error.show()
            return EXIT_CANNOT_TELL
        raise _in_four_parts(error) from None
    except click.ClickException as error:
        error.show()
        return EXIT_CANNOT_TELL
    return result if isinstance(result, int) else 0


def _in_four_parts(error: click.UsageError) -> GpudoctorError:
    """click's words for wrong usage, as every other error of ours is said."""
    path = error.ctx.command_path if error.ctx is not None else "gpudoctor"
    message = " ".join(error.format_message().split()).rstrip(".,")  # click lists choices a line each
    return GpudoctorError(
        message[:1].lower() + message[1:],
        context=path,
        note="nothing was done",
        hint=f"`{path} --help` lists the options",
    )
