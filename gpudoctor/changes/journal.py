"""The journal: what was there before a change, on the disk before anything is changed.

One folder per change below the state folder: `journals/0007/journal.json` and, per file, `saved-0` with its bytes. The
journal exists once journal.json does; a folder without one is what a run left that ended before it changed anything.

    {"schema": "gpudoctor-journal/1", "id": "7", "plan": "toolkit-not-on-path", "state": "done", "root": "",
     "files": [{"path": "/home/ann/.bashrc", "before": {"kind": "file", "sha256": "...", "mode": 420, ...}, ...}], ...}
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Literal

from gpudoctor import __version__
from gpudoctor.codec import CodecError, decode, encode
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.system.filestate import FileState
from gpudoctor.system.statefolder import somebody_elses
from gpudoctor.system.writer import Writer

SCHEMA = "gpudoctor-journal/1"

#: open: being made, or interrupted. done: stands. taking-back: `undo` was interrupted. The others are ends; forgotten: it
#: stands, and nobody wants to go back.
State = Literal["open", "done", "taking-back", "rolled-back", "undone", "forgotten"]
UNFINISHED = ("open", "taking-back")
ENDS = ("rolled-back", "undone", "forgotten")
#: So many journals that have come to an end are kept, to be read. One that can be taken back stays until it is, or is forgotten.
ENDED_KEPT = 50


class SavedFile(Record):
    """`path` as the plan names it, `target` where it lies after links. `made`: folders that were made for it. `after`: what
    was put there. A file's bytes before are in `saved-N`, those that we put there in `wrote-N`, N its place in the journal. `action`: the action that writes this
    file, -1 for one that we write; what it left there is known (`seen`) once it has ended."""

    path: str
    target: str
    before: FileState
    after: FileState
    made: tuple[str, ...] = ()
    reason: str = ""
    action: int = -1
    seen: bool = True


class SavedAction(Record):
    """`state`: "waiting", "started" (it may have done something), "done", "undone". `before`: what `state_argv` printed."""

    argv: tuple[str, ...]
    reason: str
    undo_argv: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    timeout: float = 60.0
    stops: tuple[str, ...] = ()
    before: str = ""
    forget_argv: tuple[str, ...] = ()
    state: Literal["waiting", "started", "done", "undone"] = "waiting"


class Journal(Record):
    """`plan`: the plan's id. `root`: the root that was changed, "" for this machine. `at`: UTC, ISO 8601. `why`: why it was
    rolled back. `left`: paths and commands that could not be taken back and were left as they are (`undo --leave`)."""

    schema: str
    id: str
    tool_version: str
    plan: str
    title: str
    root: str
    at: str
    state: State
    files: tuple[SavedFile, ...] = ()
    actions: tuple[SavedAction, ...] = ()
    why: str = ""
    left: tuple[str, ...] = ()

    def temporary(self, number: int) -> str:
        """The new contents of file `number`, beside it, until they are renamed onto it."""
        return self._beside(number, "new")

    def aside(self, number: int) -> str:
        """The old file's second name, beside it, while the change is being made: going back needs no room on the disk."""
        return self._beside(number, "old")

    def _beside(self, number: int, what: str) -> str:
        folder = os.path.dirname(self.files[number].target)
        return os.path.join(folder, f".gpudoctor-{self.id}-{number}.{what}")


def new_journal(writer: Writer, plan: str, title: str) -> Journal:
    """The next number, after the newest journal there is. Removes what a run left that ended before it changed anything."""
    import time

    numbers = [0]
    for name in _names(writer):
        if os.path.exists(_place(writer, name)):
            numbers.append(int(name))
        else:
            writer.own_remove(os.path.join(writer.state, "journals", name))
    _prune(writer)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Journal(SCHEMA, str(max(numbers) + 1), __version__, plan, title, writer.prefix, at, "open")


def _prune(writer: Writer) -> None:
    """Forget the oldest of those that have come to an end. Never the newest number, which the next one is counted from: with that
    and the next one `ENDED_KEPT` are left."""
    ended = [journal for journal in journals(writer)[:-1] if journal.state in ENDS]
    for journal in ended[: max(0, len(ended) - (ENDED_KEPT - 2))]:
        writer.own_remove(_folder(writer, journal.id))


def drop_contents(writer: Writer, journal: Journal) -> None:
    """The bytes that going back would need, of a journal that nobody goes back to."""
    folder = _folder(writer, journal.id)
    for number in range(len(journal.files)):
        for name in (f"saved-{number}", f"wrote-{number}"):
            writer.own_unlink(os.path.join(folder, name))


def begin(writer: Writer, journal: Journal, saved: Mapping[int, bytes], wrote: Mapping[int, bytes]) -> None:
    """Everything that going back needs, on the disk. Raises OSError; then there is no journal."""
    folder = _folder(writer, journal.id)
    try:
        writer.own_folder(os.path.join(writer.state, "journals"))
        writer.own_folder(folder)
        for number, content in saved.items():
            writer.own_file(os.path.join(folder, f"saved-{number}"), content)
        for number, content in wrote.items():
            writer.own_file(os.path.join(folder, f"wrote-{number}"), content)
        keep(writer, journal)
    except OSError:
        writer.own_remove(folder)
        raise


def keep(writer: Writer, journal: Journal) -> Journal:
    """Write the journal as it stands now. Raises OSError."""
    data = json.dumps(encode(journal), indent=1).encode("ascii")
    writer.own_file(os.path.join(_folder(writer, journal.id), "journal.json"), data)
    return journal


def mark(writer: Writer, journal: Journal, number: int, **changes: str) -> Journal:
    """Note how far action `number` is. Raises OSError."""
    actions = list(journal.actions)
    actions[number] = actions[number].replace(**changes)
    return keep(writer, journal.replace(actions=tuple(actions)))


def saved_bytes(writer: Writer, journal: Journal, number: int) -> bytes:
    """The file's bytes before the change. Raises OSError, and GpudoctorError when they are not what was saved."""
    import hashlib

    place = saved_place(writer, journal, number)
    with open(place, "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != journal.files[number].before.sha256:
        raise GpudoctorError(
            f"{place} is damaged: it is not what was saved", note="the file was left as it is"
        )
    return content


def saved_place(writer: Writer, journal: Journal, number: int) -> str:
    return os.path.join(_folder(writer, journal.id), f"saved-{number}")


def wrote_bytes(writer: Writer, journal: Journal, number: int) -> bytes | None:
    """What the change put there; None where that is not known (any more)."""
    try:
        with open(os.path.join(_folder(writer, journal.id), f"wrote-{number}"), "rb") as file:
            return file.read()
    except OSError:
        return None


def journals(writer: Writer) -> tuple[Journal, ...]:
    """All of them, oldest first. Raises GpudoctorError for one that can't be read: it may be an open one."""
    found = [read(writer, name) for name in _names(writer) if os.path.exists(_place(writer, name))]
    return tuple(sorted(found, key=lambda journal: int(journal.id)))


def unfinished(writer: Writer) -> tuple[Journal, ...]:
    return tuple(journal for journal in journals(writer) if journal.state in UNFINISHED)


def read(writer: Writer, name: str) -> Journal:
    place = _place(writer, name)
    hint = "look at it: it says which files were being changed, and their bytes lie beside it"
    try:
        with open(place, "rb") as file:
            data = json.loads(file.read())
        if data.get("schema") != SCHEMA:
            raise GpudoctorError(
                f"the journal {place} is of the format {data.get('schema')}; this gpudoctor reads {SCHEMA}",
                note="nothing was changed",
                hint="use the version of gpudoctor that wrote it",
            )
        return decode(Journal, data)
    except OSError as error:
        raise GpudoctorError(
            f"the journal {place} can't be read: {error.strerror or error}", note="nothing was changed"
        ) from None
    except (CodecError, ValueError, AttributeError) as error:
        raise GpudoctorError(
            f"the journal {place} is damaged: {error}", note="nothing was changed", hint=hint
        ) from None


def reread(writer: Writer, journal: Journal) -> Journal:
    """The journal as it lies on the disk: further than the one in hand if something failed meanwhile."""
    return read(writer, f"{int(journal.id):04d}")


def _names(writer: Writer) -> list[str]:
    try:
        return sorted(n for n in os.listdir(os.path.join(writer.state, "journals")) if n.isdigit())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(writer.state, error) from None


def _unreadable(state: str, error: OSError) -> GpudoctorError:
    try:
        owner = os.stat(state).st_uid
    except OSError:  # a folder above it is closed
        owner = -1
    if isinstance(error, PermissionError) and owner not in (-1, os.geteuid()):
        return somebody_elses(state, owner)
    return GpudoctorError(
        f"the journals in {state} can't be read: {(error.strerror or str(error)).lower()}",
        note="nothing was changed",
        hint="GPUDOCTOR_STATE names the folder" if os.environ.get("GPUDOCTOR_STATE") else "",
    )


def _folder(writer: Writer, identifier: str) -> str:
    return os.path.join(writer.state, "journals", f"{int(identifier):04d}")


def _place(writer: Writer, name: str) -> str:
    return os.path.join(writer.state, "journals", name, "journal.json")
