"""Layers as folders, where an engine keeps them: overlay2 of Docker and overlay of containers-storage.

What a layer removes is a character device 0:0 of that name, and a folder that hides all below it has the attribute
`trusted.overlay.opaque` = "y" (https://docs.kernel.org/filesystems/overlayfs.html). Both become the names that a layer's archive
has for them, so that one `Tree` merges either. Read as root only: another user sees neither the attributes nor all files.
"""

from __future__ import annotations

import bisect
import errno
import os
import stat
from collections.abc import Callable, Iterator

from gpudoctor.system.image.sources import Damaged
from gpudoctor.system.image.tar import Entry, Kind
from gpudoctor.system.image.tree import OPAQUE, WHITEOUT

#: What the kernel writes beside a layer's own attributes; with the second prefix where a user mounted it.
_PREFIXES = ("trusted.overlay.", "user.overlay.")
#: These say that a file's bytes or a folder's place are another layer's business, in words that we do not read.
_BEYOND_US = ("redirect", "metacopy", "whiteouts", "whiteout", "xattrs", "verity")
CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN = 2, 21

_KINDS: tuple[tuple[Callable[[int], bool], Kind], ...] = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "dir"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISCHR, "char"),
    (stat.S_ISBLK, "block"),
)


class NotInPlace(Exception):
    """This layer can't be read where it lies; its engine has to be asked for a copy."""


def may_read() -> bool:
    """Root with the rights to see every file and the attributes `trusted.*`; root in a container lacks the second."""
    try:
        with open("/proc/self/status") as file:
            held = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff:"))
    except (OSError, StopIteration, ValueError):
        return False
    return os.geteuid() == 0 and all(held >> bit & 1 for bit in (CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN))


class Folder:
    """A layer's files as one long row of bytes: each entry's `offset` is where it begins in that row."""

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self._folder = folder
        self._starts: list[int] = []
        self._files: list[tuple[str, os.stat_result]] = []
        self._end = 0

    def pread(self, size: int, offset: int) -> bytes:
        """Raises Damaged for a file that is not any more as it was found: its image may have been removed meanwhile."""
        at = bisect.bisect_right(self._starts, offset) - 1
        if at < 0 or size <= 0:
            return b""
        path, before = self._files[at]
        try:
            descriptor = _opened(self._folder + path)
            try:
                now = os.fstat(descriptor)
                if (now.st_ino, now.st_size, now.st_mtime_ns) != (
                    before.st_ino,
                    before.st_size,
                    before.st_mtime_ns,
                ):
                    raise Damaged(f"{self.name}: {path} was changed while it was read")
                return _bytes(descriptor, size, offset - self._starts[at])
            finally:
                os.close(descriptor)
        except OSError as error:
            raise Damaged(f"{self.name}: {path}: {error.strerror or error}") from None

    def entries(self) -> list[Entry]:
        """What is in it, a folder before what it holds. Raises NotInPlace, OSError."""
        found: list[Entry] = []
        linked: dict[tuple[int, int], str] = {}
        for path, info in self._walked():
            entry = self._entry(path, info, linked)
            found += [entry] if entry else []
            if stat.S_ISDIR(info.st_mode) and _opaque(self._folder + path):
                found.append(_mark(f"{path}/{OPAQUE}"))
        return found

    def _walked(self) -> Iterator[tuple[str, os.stat_result]]:
        top = os.lstat(self._folder)
        if not stat.S_ISDIR(top.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", self._folder)
        yield "", top
        todo = [""]
        while todo:
            folder = todo.pop()
            with os.scandir(self._folder + (folder or "/")) as listing:
                children = sorted(listing, key=lambda child: child.name)
            for child in children:
                path, info = f"{folder}/{child.name}", child.stat(follow_symlinks=False)
                yield path, info
                if stat.S_ISDIR(info.st_mode):
                    todo.append(path)

    def _entry(self, path: str, info: os.stat_result, linked: dict[tuple[int, int], str]) -> Entry | None:
        folder, _, name = path.rpartition("/")
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
            return _mark(f"{folder}/{WHITEOUT}{name}")
        if name.startswith(WHITEOUT):
            raise NotInPlace(f"{path}: this engine writes down what is removed in another way")
        kind: Kind = next((kind for test, kind in _KINDS if test(info.st_mode)), "other")
        size, offset, target = 0, 0, ""
        if kind == "file":
            _plain(self._folder + path)
            first = linked.setdefault((info.st_dev, info.st_ino), path) if info.st_nlink > 1 else path
            if first != path:
                kind, target = "hardlink", first
            else:
                size, offset = info.st_size, self._place(path, info)
        elif kind == "link":
            target = os.readlink(self._folder + path)
        mode = stat.S_IMODE(info.st_mode)
        return Entry(path or "/", kind, mode, info.st_uid, info.st_gid, size, info.st_mtime, target, offset)

    def _place(self, path: str, info: os.stat_result) -> int:
        start = self._end
        if info.st_size:
            self._starts.append(start)
            self._files.append((path, info))
            self._end += info.st_size
        return start


def _mark(path: str) -> Entry:
    return Entry(path, "file", 0, 0, 0, 0, 0.0, "", 0)


def _opened(path: str) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:  # only a file's owner and root may leave its time alone
        return os.open(path, flags)


def _bytes(descriptor: int, size: int, offset: int) -> bytes:
    found = os.pread(descriptor, size, offset)
    while found and len(found) < size:  # one call gives 2 GiB at the most
        more = os.pread(descriptor, size - len(found), offset + len(found))
        if not more:
            break
        found += more
    return found


def _marks(path: str) -> set[str]:
    """The kernel's own words on a file: {"opaque"}."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.EOPNOTSUPP):
            return set()
        raise
    return {name[len(prefix) :] for name in names for prefix in _PREFIXES if name.startswith(prefix)}


def _plain(path: str) -> set[str]:
    marks = _marks(path)
    beyond = marks.intersection(_BEYOND_US)
    if beyond:
        raise NotInPlace(f"{path}: overlay.{min(beyond)}")
    return marks


def _opaque(path: str) -> bool:
    if "opaque" not in _plain(path):
        return False
    for prefix in _PREFIXES:
        try:
            said = os.getxattr(path, f"{prefix}opaque", follow_symlinks=False)
        except OSError:
            continue
        if said != b"y":  # "x": its removals are attributes of files (Linux 6.7)
            raise NotInPlace(f"{path}: overlay.opaque is {said!r}")
    return True
