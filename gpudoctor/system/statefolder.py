"""Where gpudoctor keeps what it must not forget: the journals, and the lock that lets one run at a time change anything."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from gpudoctor.errors import GpudoctorError
from gpudoctor.system.filestate import UNSUPPORTED, refused, write_all

Hook = Callable[[str, str], None]

#: Root's state folder.
ROOTS = "/var/lib/gpudoctor"


def state_folder(env: Mapping[str, str] | None = None, uid: int | None = None) -> str:
    """$GPUDOCTOR_STATE, /var/lib/gpudoctor for root, else $XDG_STATE_HOME/gpudoctor or ~/.local/state/gpudoctor.

    Root does not follow XDG_STATE_HOME: `sudo -E` would bring a user's, and what lies there could not be believed."""
    env = os.environ if env is None else env
    named = env.get("GPUDOCTOR_STATE", "")
    if named.startswith("/"):
        return named
    if named:
        raise GpudoctorError(
            f"GPUDOCTOR_STATE is {named!r}, which is no absolute path", note="nothing was changed"
        )
    if (os.geteuid() if uid is None else uid) == 0:
        return ROOTS
    if env.get("XDG_STATE_HOME", "").startswith("/"):
        return env["XDG_STATE_HOME"] + "/gpudoctor"
    home = env.get("HOME", "")
    if not home.startswith("/"):
        raise GpudoctorError(
            "there is no place for the journals: HOME and XDG_STATE_HOME are not set",
            note="nothing was changed",
            hint="name a folder in GPUDOCTOR_STATE",
        )
    return home + "/.local/state/gpudoctor"


class StateFolder:
    """Private files, each whole or not there. `command`: who we are, for the message that another run gets; `chunk`: bytes
    written at a time; `hook`: told of every step before it is made."""

    chunk = 1 << 16

    def __init__(self, state: str, command: str, hook: Hook | None) -> None:
        self.state = state or state_folder()
        self.command = command
        self._hook = hook

    def _step(self, what: str, path: str) -> None:
        if self._hook is not None:
            self._hook(what, path)

    def close(self) -> None:
        """Called when the lock is given back."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one run changes anything: an exclusive lock on a file of the state folder, which ends with the process."""
        self._make_state()
        place = os.path.join(self.state, "lock")
        try:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise refused(error, place) from None
        try:
            _lock(descriptor)
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"process {os.getpid()}, `{self.command}`".encode(), 0)
            except OSError:
                pass  # a full disk: the lock holds, only its holder's name is missing
            yield
        finally:
            self.close()
            os.close(descriptor)

    def _make_state(self) -> None:
        try:
            os.makedirs(self.state, 0o700, exist_ok=True)
            info = os.stat(self.state)
        except OSError as error:
            raise refused(error, self.state, "the journal has no place, so nothing was changed") from None
        if info.st_uid != os.geteuid():
            raise somebody_elses(self.state, info.st_uid)
        if info.st_mode & 0o022:
            raise GpudoctorError(
                f"the journals' folder {self.state} can be written by others",
                note="nothing was changed: what lies there would be believed",
                hint=f"`chmod 700 {self.state}`, or name another in GPUDOCTOR_STATE",
            )

    def own_folder(self, path: str) -> None:
        """A private folder below the state folder."""
        self._step("mkdir", path)
        os.makedirs(path, 0o700, exist_ok=True)
        self._sync_own(os.path.dirname(path))

    def own_file(self, path: str, content: bytes) -> None:
        """A private file below the state folder, whole or not there, on the disk when this returns. Raises OSError."""
        temporary = path + ".new"
        self._step("create", temporary)
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            for start in range(0, len(content), self.chunk):
                self._step("write", temporary)
                write_all(descriptor, content[start : start + self.chunk])
            self._step("fsync", temporary)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._step("rename", path)
        os.replace(temporary, path)
        self._sync_own(os.path.dirname(path))

    def own_unlink(self, path: str) -> None:
        """A file below the state folder; none is well too. Raises OSError."""
        self._step("unlink", path)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass

    def own_remove(self, folder: str) -> None:
        """A folder below the state folder with the files in it."""
        import shutil

        self._step("unlink", folder)
        shutil.rmtree(folder, ignore_errors=True)

    def _sync_own(self, folder: str) -> None:
        self._step("fsync", folder)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        finally:
            os.close(descriptor)


def roots_changes() -> str:
    """For an ordinary user who finds no changes: where others may be found; "" where there are none."""
    return (
        "changes that root made: sudo gpudoctor undo --list"
        if os.geteuid() != 0 and os.path.isdir(ROOTS)
        else ""
    )


def somebody_elses(state: str, uid: int) -> GpudoctorError:
    who = "root" if uid == 0 else f"another user (uid {uid})"
    return GpudoctorError(
        f"the journals' folder {state} belongs to {who}",
        note="nothing was changed",
        hint="what root changed, root takes back: run this through sudo"
        if uid == 0
        else "name another in GPUDOCTOR_STATE",
    )


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another run"
        raise GpudoctorError(
            "another gpudoctor is changing this machine",
            context=who,
            note="nothing was changed",
            hint="wait until it ends, and run this again",
        ) from None
