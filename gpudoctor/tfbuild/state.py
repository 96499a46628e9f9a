"""The state file: which stage ended how, written so that a kill at any moment leaves the old one or the new one.

One `state.json` and one log for each stage in the work folder. A lock says whether somebody works there now: a stage that is "running"
while nobody holds the lock was interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gpudoctor.codec import CodecError, decode, encode
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record

#: skipped: nothing to do for this request (no --venv: nothing is installed).
StageResult = Literal["running", "done", "failed", "skipped"]


class Stage(Record):
    """`inputs`: a hash of all that the stage was made from; when it differs, the stage is done again. Times: seconds since the epoch.

    `cause`: the catalogue's id of the failure. `data`: what later stages need (paths, versions)."""

    name: str
    state: StageResult
    inputs: str = ""
    started: float = 0.0
    ended: float = 0.0
    detail: str = ""
    log: str = ""
    cause: str = ""
    data: Mapping[str, str] = {}


#: The program that writes a file has begun, and nobody has seen its end: a run that was killed leaves it so.
WRITING = "being written"


class Saved(Record):
    """A file that something else than our transaction writes (configure.py): what it was, and what it is since.

    `before`: the name of the saved bytes in the work folder, "" where there was no file. `after`: a SHA-256, "" for no file, WRITING while
    the program may be at it."""

    path: str
    before: str
    after: str


class State(Record):
    """`journals`: changes made through transactions, oldest first. `venvs`: the TensorFlow that was in an environment before the first
    wheel of ours, by its folder ("none")."""

    tree: str = ""
    stages: tuple[Stage, ...] = ()
    journals: tuple[str, ...] = ()
    saved: tuple[Saved, ...] = ()
    venvs: Mapping[str, str] = {}

    def stage(self, name: str) -> Stage | None:
        return next((s for s in self.stages if s.name == name), None)

    def with_stage(self, stage: Stage) -> State:
        rest = tuple(s for s in self.stages if s.name != stage.name)
        return self.replace(stages=(*rest, stage))


class Workdir:
    """The folder in which a build keeps its state, logs, view and configuration files."""

    def __init__(self, path: str) -> None:
        self.path = path

    def file(self, *names: str) -> str:
        return os.path.join(self.path, *names)

    def make(self) -> None:
        try:
            os.makedirs(self.file("logs"), exist_ok=True)
        except OSError as error:
            raise GpudoctorError(
                f"the work folder can't be made: {error.strerror}",
                context=self.path,
                hint="--workdir names another",
            ) from None

    def read(self) -> State:
        """An empty state where there is none yet. Raises GpudoctorError for one that can't be understood."""
        path = self.file("state.json")
        try:
            with open(path, encoding="utf-8") as file:
                return decode(State, json.load(file))
        except FileNotFoundError:
            return State()
        except (OSError, ValueError, CodecError) as error:
            raise GpudoctorError(
                f"the state of this build can't be read: {error}",
                context=path,
                hint="move the file away: what is built stays, each stage is looked at again",
            ) from None

    def write(self, state: State) -> None:
        self.put("state.json", json.dumps(encode(state), indent=1).encode())

    def put(self, name: str, content: bytes, mode: int = 0o644) -> str:
        """Write a file of ours: it is the old one or the new one, never half."""
        path = self.file(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise GpudoctorError(
                f"{path} can't be written: {error.strerror}", hint="--workdir names another folder"
            ) from None
        return path

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """The lock's descriptor: who inherits it keeps the lock for as long as it lives, also when we are killed. Raises GpudoctorError where
        another run works here, or what a killed one had started."""
        self.make()
        descriptor = os.open(self.file("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GpudoctorError(
                    "another build-tf works on this tree",
                    context=self.path,
                    note="nothing was changed",
                    hint="`gpudoctor build-tf status` shows it; what a killed run had started (pip, the smoke test) may still be at work, and ends "
                    "by itself; --workdir gives a second build a folder of its own",
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def busy(self) -> bool:
        """Somebody works here now."""
        try:
            descriptor = os.open(self.file("lock"), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def digest(*values: Any) -> str:
    return hashlib.sha256(json.dumps(encode(list(values)), sort_keys=True).encode()).hexdigest()


def sha256(path: str) -> str:
    """Of a file's bytes; "" where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
