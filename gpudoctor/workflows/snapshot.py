"""Snapshots: a machine's facts in a file, redacted, for judging elsewhere and for comparing with another day."""

from __future__ import annotations

import os
from typing import Any

from gpudoctor import __version__
from gpudoctor.codec import CodecError, decode, encode
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record

SCHEMA = "gpudoctor-snapshot/1"
#: A snapshot of a large machine is some hundred kilobytes; whatever is larger than this is something else (bytes).
SIZE_LIMIT = 64 << 20


class Snapshot(Record):
    """`provenance`: recorded (a real machine answered) or composed (written by hand, for tests)."""

    schema: str
    tool_version: str
    taken_at: str
    machine: Machine
    provenance: str = "recorded"
    redacted: bool = True


def take(machine: Machine, redact: bool = True) -> dict[str, Any]:
    """The snapshot as JSON values."""
    import time

    snapshot = Snapshot(
        SCHEMA, __version__, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), machine, "recorded", redact
    )
    data: dict[str, Any] = encode(snapshot)
    if redact:
        from gpudoctor.workflows.redaction import Redactor, names_of_this_machine

        data["machine"] = Redactor(names_of_this_machine()).tree(data["machine"])
    return data


def read_snapshot(path: str) -> Snapshot:
    """Raises GpudoctorError with the place of the fault, whatever is wrong with the file."""
    import json

    hint = "make one with `gpudoctor snapshot --output FILE`"
    try:
        if os.path.getsize(path) > SIZE_LIMIT:
            raise GpudoctorError(f"{path} is too large for a snapshot", note="nothing was judged", hint=hint)
        with open(path, "rb") as file:
            data = json.loads(file.read(SIZE_LIMIT).decode("utf-8"))
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be read: {error.strerror or error}",
            context="a snapshot was expected",
            note="nothing was judged",
            hint=hint,
        ) from None
    except UnicodeDecodeError as error:
        raise GpudoctorError(f"{path} is not UTF-8 text", context=f"byte {error.start}", hint=hint) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise GpudoctorError(
            f"{path} is not JSON: {error.msg}", context=place, note="nothing was judged", hint=hint
        ) from None
    except RecursionError:
        raise GpudoctorError(
            f"{path} is nested too deeply for a snapshot", note="nothing was judged"
        ) from None
    _check_schema(path, data, hint)
    try:
        return decode(Snapshot, data)
    except CodecError as error:
        raise GpudoctorError(
            f"{path} does not fit the snapshot format: {error.problem}",
            context=error.where,
            note="nothing was judged",
            hint=hint,
        ) from None


def _check_schema(path: str, data: Any, hint: str) -> None:
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema == SCHEMA:
        return
    if isinstance(schema, str) and schema.startswith("gpudoctor-snapshot/"):
        raise GpudoctorError(
            f"{path} has the snapshot format {schema}; this gpudoctor reads {SCHEMA}",
            note="nothing was judged",
            hint="use the version of gpudoctor that made it",
        )
    raise GpudoctorError(f"{path} is not a snapshot of gpudoctor", note="nothing was judged", hint=hint)
