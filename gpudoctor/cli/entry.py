"""The way in: a plain command line is carried out at once, any other by click. Errors in four parts; exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from gpudoctor.cli.plain import command_of
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    command = command_of(arguments)
    if command is not None:
        return guarded(command)
    from gpudoctor.cli import main

    return main.run(arguments)


def guarded(command: Callable[[], int]) -> int:
    """The command's exit code. Nothing but this prints an error."""
    try:
        return command()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except GpudoctorError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    except (BrokenPipeError, SystemExit):
        # The reader went away (`| head`); click turns that into SystemExit(1), which here would mean "ill". Point
        # stdout elsewhere, so that the flush at exit does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # click's own output (--help to a full disk)
        print(f"error: {error.strerror or error}", file=sys.stderr)
        return EXIT_CANNOT_TELL
