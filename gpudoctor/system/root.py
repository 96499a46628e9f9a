"""Another root file system: an unpacked image, a mounted disk, a recorded folder. Nothing in it is executed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping, Sequence
from typing import IO

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.system.live import Memo, file_info
from gpudoctor.system.port import TEXT_LIMIT, FileInfo, NotHere, Options, Ran

#: More links than this on one path is a loop (the kernel's own limit is 40).
MAX_LINKS = 40


class _Limits(Record):
    """What of a running machine a root may or may not show: a folder with a marker file is a recording."""

    folder: str
    marker: str


#: These belong to a running kernel. In an image they are empty folders, and then they say nothing at all.
VIRTUAL = (
    _Limits("/proc", "/proc/version"),
    _Limits("/sys", "/sys/bus"),
    _Limits("/dev", "/dev/null"),
    _Limits("/run", "/run/systemd"),
)


def resolve(prefix: str, path: str, follow_last: bool) -> str:
    """The path with its links followed inside the root at `prefix`, whatever they say. Raises OSError for a loop."""
    todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            done and done.pop()
            continue
        here = prefix + "/" + "/".join([*done, part])
        if (todo or follow_last) and os.path.islink(here):
            links += 1
            if links > MAX_LINKS:
                raise OSError(40, "too many levels of symbolic links", path)
            target = os.readlink(here)
            if target.startswith("/"):
                done = []
            todo += [piece for piece in target.split("/") if piece not in ("", ".")][::-1]
            continue
        done.append(part)
    return "/" + "/".join(done)


class Root:
    """Asks the file system under `folder`. Links resolve inside it, whatever they say; nothing is run."""

    live = False

    def __init__(
        self,
        folder: str,
        timeout: float = 20.0,
        env: Mapping[str, str] | None = None,
        options: Options = Options(),
    ) -> None:
        if not os.path.isdir(folder):
            raise GpudoctorError(
                f"{folder} is not a folder",
                context="--root",
                hint="give the top of an unpacked image or of a mounted file system",
            )
        try:
            self.prefix = os.path.realpath(folder)
        except FileNotFoundError:  # a relative name, and the working directory was removed
            raise GpudoctorError(
                f"{folder} can't be found: the working directory does not exist any more",
                context="--root",
                hint="change to a folder that exists, or give an absolute path",
            ) from None
        self.env: Mapping[str, str] = dict(env or {})
        self.options = options
        self._deadline = time.monotonic() + timeout
        self.memo = Memo()

    def remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _host(self, path: str, follow_last: bool = True) -> str:
        """Where an examined path lies on this machine. Raises OSError for loops and NotHere for kernel folders."""
        resolved = self._resolve(path, follow_last)
        for virtual in VIRTUAL:
            if (resolved + "/").startswith(virtual.folder + "/") and not os.path.lexists(
                self.prefix + virtual.marker
            ):
                raise NotHere(f"{resolved}: {virtual.folder} is not recorded under {self.prefix}")
        return self.prefix + resolved

    def _resolve(self, path: str, follow_last: bool) -> str:
        return resolve(self.prefix, path, follow_last)

    def read(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        with self.open(path) as file:
            return file.read(limit)

    def open(self, path: str) -> IO[bytes]:
        host = self._host(path)
        if not stat.S_ISREG(os.stat(host).st_mode):
            raise OSError(22, "not a regular file", path)
        return open(host, "rb")

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(self._host(path)))

    def stat(self, path: str, follow: bool = True) -> FileInfo:
        return file_info(os.stat(self._host(path, follow), follow_symlinks=False))

    def readlink(self, path: str) -> str:
        return os.readlink(self._host(path, follow_last=False))

    def realpath(self, path: str) -> str:
        try:
            return self._resolve(path, follow_last=True)
        except OSError:
            return path

    def space(self, path: str) -> tuple[int, int]:
        raise NotHere(f"{path}: sizes of file systems are the running machine's")

    def try_open(self, path: str) -> str:
        raise NotHere("devices are not opened under --root")

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str | None = None,
    ) -> Ran:
        raise NotHere("nothing is executed under --root")
