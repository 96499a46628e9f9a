"""The door that asks. Everything that gpudoctor reads from a machine goes through a `Port`.

A port is either the live machine or another root file system; probes cannot tell them apart, except that only
a live one runs programs. All paths are absolute, as the examined machine spells them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Protocol, TypeVar

from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.facts.record import Record

T = TypeVar("T")

#: Most text files of /proc, /sys and /etc are small; nothing that we parse as text is larger than this (bytes).
TEXT_LIMIT = 8 << 20


class NotHere(OSError):
    """This kind of question has no answer through this port (a live /proc under --root, running a program)."""


class FileInfo(Record):
    """`kind`: file, dir, link, char, block, other. Times in seconds since the epoch. `mode`: permission bits."""

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    mtime: float
    ctime: float
    major: int = 0
    minor: int = 0
    inode: int = 0


class Ran(Record):
    """A program's end. `code` is its exit status; None when it did not end by itself: `signal` names the signal
    that killed it, `timed_out` says that we gave up (its process group was killed). Output is decoded, with
    replacement characters where it is not UTF-8, and cut at 4 MiB."""

    argv: tuple[str, ...]
    code: int | None
    stdout: str
    stderr: str
    signal: int | None = None
    timed_out: bool = False
    seconds: float = 0.0


class Options(Record):
    """What the user asked of the probes. `wake`: ask a sleeping GPU too (it wakes up). `build`: compile a kernel.
    `imports`: import the frameworks, in child processes. `pythons`: interpreters to examine beside the usual ones."""

    wake: bool = False
    build: bool = False
    imports: bool = False
    pythons: tuple[str, ...] = ()


class Port(Protocol):
    """See `gpudoctor.system.live.Live` and `gpudoctor.system.root.Root`."""

    #: Where the examined root lies on this machine: "" for the live one.
    prefix: str
    #: Programs may be run, devices opened.
    live: bool
    #: The environment of the examined process; empty for another root.
    env: Mapping[str, str]
    #: What the user asked of the probes.
    options: Options

    def read(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        """The file's bytes, at most `limit`. Raises OSError (FileNotFoundError, PermissionError, NotHere ...)."""
        ...

    def open(self, path: str) -> IO[bytes]:
        """A seekable binary file, for large libraries. Raises OSError."""
        ...

    def listdir(self, path: str) -> list[str]:
        """Names in a folder, sorted. Raises OSError."""
        ...

    def stat(self, path: str, follow: bool = True) -> FileInfo:
        """Raises OSError. Links are followed inside the root."""
        ...

    def readlink(self, path: str) -> str: ...

    def realpath(self, path: str) -> str:
        """The path with all links resolved inside the root; never raises, a loop stays as it is."""
        ...

    def space(self, path: str) -> tuple[int, int]:
        """Bytes in all and bytes free of the file system at `path`. Raises OSError, NotHere under another root."""
        ...

    def try_open(self, path: str) -> str:
        """Open a device for reading and writing and close it: "" if it opens, else the errno name ("EPERM")."""
        ...

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str | None = None,
    ) -> Ran:
        """Run a program in its own session; its whole process group is killed at the deadline.

        Raises NotHere under another root, FileNotFoundError or PermissionError when it cannot be started."""
        ...

    def remaining(self) -> float:
        """Seconds left before the total deadline; never below zero."""
        ...

    def memo(self, key: str, make: Callable[[], T]) -> T:
        """`make()` once per port and key, shared between probes that run side by side."""
        ...


def text(port: Port, path: str, limit: int = TEXT_LIMIT) -> str:
    """The file as text (UTF-8, undecodable bytes replaced). Raises OSError."""
    return port.read(path, limit).decode("utf-8", "replace")


def exists(port: Port, path: str) -> bool:
    """True if the path is there after links. An unreadable parent counts as not there: use `look` to tell."""
    try:
        port.stat(path)
    except OSError:
        return False
    return True


def is_file(port: Port, path: str) -> bool:
    try:
        return port.stat(path).kind == "file"
    except OSError:
        return False


def is_dir(port: Port, path: str) -> bool:
    try:
        return port.stat(path).kind == "dir"
    except OSError:
        return False


def names(port: Port, path: str) -> list[str]:
    """Names in a folder; empty when it cannot be read. For searches, where a missing folder is no news."""
    try:
        return port.listdir(path)
    except OSError:
        return []


def which(port: Port, program: str, path: str | None = None) -> str | None:
    """The first executable `program` on PATH (or on `path`), as spelled there; None when there is none."""
    if "/" in program:
        return program if is_file(port, program) else None
    for folder in (port.env.get("PATH", "") if path is None else path).split(":"):
        candidate = f"{folder or '.'}/{program}"
        try:
            info = port.stat(candidate)
        except OSError:
            continue
        if info.kind == "file" and info.mode & 0o111:
            return candidate
    return None


def observe(
    question: Callable[[], T], via: str, *, absent_when: tuple[type[Exception], ...] = ()
) -> Observed[T]:
    """Ask, and turn every way of not being answered into a value.

    A missing file is Absent; permission denied is Unknown and root would help; whatever else the system says, a
    value that would not parse (ValueError, KeyError, IndexError) among it, is Unknown with its words.
    """
    try:
        return Known(question(), via)
    except (FileNotFoundError, NotADirectoryError):
        return Absent(via)
    except absent_when:
        return Absent(via)
    except NotHere as error:
        return Unknown(str(error))
    except PermissionError:
        return Unknown(f"{via}: permission denied", "root" if os.geteuid() != 0 else "")
    except OSError as error:
        return Unknown(f"{via}: {error.strerror or error}")
    except (ValueError, KeyError, IndexError) as error:
        return Unknown(f"{via}: not understood ({error})")


def look(port: Port, path: str) -> Observed[str]:
    """The stripped text of a small file."""
    return observe(lambda: text(port, path).strip(), path)
