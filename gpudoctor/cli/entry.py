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
        return guarded(command, arguments)
    from gpudoctor.cli import main

    return main.run(arguments)


def guarded(command: Callable[[], int], arguments: Sequence[str] = ()) -> int:
    """The command's exit code. Nothing but this prints an error; `arguments`: the command line, which may have asked for JSON."""
    try:
        return command()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except GpudoctorError as error:
        print(error.render(), file=sys.stderr)
        if wants_json(arguments):
            _print_json(error, arguments)
        return error.exit_code
    except (BrokenPipeError, SystemExit):
        # The reader went away (`| head`); click turns that into SystemExit(1), which here would mean "ill". Point
        # stdout elsewhere, so that the flush at exit does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:  # click's own output (--help to a full disk)
        print(f"error: {error.strerror or error}", file=sys.stderr)
        return EXIT_CANNOT_TELL


def wants_json(arguments: Sequence[str]) -> bool:
    """The report was to be JSON on standard output. Not where it goes to a file, which stays as it is, or where standard output
    is another program's (`preflight -- PROGRAM`).

    >>> wants_json(["fix", "--format", "json"]), wants_json(["fix", "--format=json", "--output=a"])
    (True, False)
    """
    form, output = "", "-"
    for number, word in enumerate(arguments):
        if word == "--":
            return False
        name, assigned, value = word.partition("=")
        if not assigned:
            value = arguments[number + 1] if number + 1 < len(arguments) else ""
        if name == "--format":
            form = value
        elif name == "--output":
            output = value
    return form == "json" and output == "-"


def _print_json(error: GpudoctorError, arguments: Sequence[str]) -> None:
    from gpudoctor.cli import output
    from gpudoctor.codec import to_json
    from gpudoctor.report.error import error_report

    if output.printed:
        return  # a report is out already, and nobody reads two
    words = [word for word in arguments[:2] if not word.startswith("-")]
    grouped = arguments[:1] in (["image"], ("image",))
    try:
        output.write_out(to_json(error_report(error, " ".join(words if grouped else words[:1]))) + "\n", None)
    except (GpudoctorError, OSError):
        return  # standard output can't be written: standard error has said what is wrong
