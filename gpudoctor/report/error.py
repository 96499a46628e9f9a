"""What every command prints with `--format json` where it was refused: the error of standard error, for programs."""

from __future__ import annotations

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.report.model import Tool

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-error/1"


class ErrorParts(Record):
    """`what` happened, in a sentence; `context`: where; `note`: what was or was not done; `hint`: what to do. Only `what` is
    never empty."""

    what: str
    context: str = ""
    note: str = ""
    hint: str = ""


class ErrorReport(Record):
    """What a refused command prints with `--format json`, in place of its report. Nothing was judged: there are no findings and
    no summary in it, so that nobody counts none. `command`: as in the report that it stands for; `exit_code`: the command's."""

    schema: str
    tool: Tool
    taken_at: str
    command: str
    exit_code: int
    error: ErrorParts


def error_report(error: GpudoctorError, command: str) -> ErrorReport:
    import time

    return ErrorReport(
        SCHEMA,
        Tool(),
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        command,
        error.exit_code,
        ErrorParts(error.what, error.context, error.note, error.hint),
    )
