"""What a name in a folder stands for, and what the system's refusals mean."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Literal

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record

#: linux/fs.h: the ioctl that reads a file's flags, and the two that forbid changes even to root.
GETFLAGS, IMMUTABLE, APPEND_ONLY = 0x80086601, 0x10, 0x20

#: What file systems answer that don't know a feature (9p, some FUSE).
UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.ENOSYS)


class FileState(Record):
    """What a name stands for. `sha256` of the contents (hexadecimal); times in nanoseconds since the epoch; `xattrs`: name
    to value in hexadecimal (access lists and security labels are among them); `link`: where a symbolic link points."""

    kind: Literal["absent", "file", "link"]
    sha256: str = ""
    size: int = 0
    mode: int = 0
    uid: int = -1
    gid: int = -1
    mtime_ns: int = 0
    atime_ns: int = 0
    xattrs: Mapping[str, str] = {}
    link: str = ""

    def same(self, other: FileState) -> bool:
        """The same contents, owner, permissions and attributes. Times are not compared: reading changes one of them."""
        if self.kind != other.kind or self.link != other.link:
            return False
        own = (self.sha256, self.mode, self.uid, self.gid, dict(self.xattrs))
        return self.kind != "file" or own == (
            other.sha256,
            other.mode,
            other.uid,
            other.gid,
            dict(other.xattrs),
        )


ABSENT = FileState("absent")


def state_of(descriptor: int) -> FileState:
    info = os.fstat(descriptor)
    digest = hashlib.sha256(read_all(descriptor)).hexdigest()
    os.lseek(descriptor, 0, os.SEEK_SET)
    return FileState(
        "file",
        digest,
        info.st_size,
        stat.S_IMODE(info.st_mode),
        info.st_uid,
        info.st_gid,
        info.st_mtime_ns,
        info.st_atime_ns,
        xattrs(descriptor),
    )


def xattrs(descriptor: int) -> dict[str, str]:
    try:
        names = os.listxattr(descriptor)
    except OSError:
        return {}
    found = {}
    for name in sorted(names):
        try:
            found[name] = os.getxattr(descriptor, name).hex()
        except OSError:
            continue  # one that only root may read: it can't be set either
    return found


def read_all(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def flags(descriptor: int) -> int:
    import struct

    try:
        answer = fcntl.ioctl(descriptor, GETFLAGS, struct.pack("l", 0))
    except OSError:
        return 0
    return int(struct.unpack("l", answer)[0])


_WORDS: Sequence[tuple[tuple[int, ...], str, str]] = (
    ((errno.ENOSPC,), "the disk is full", "make room on that file system (`df -h`), and run it again"),
    ((errno.EDQUOT,), "the quota is used up", "make room, and run it again"),
    ((errno.EROFS,), "the file system is read-only", "mount it writable, or change what it is made from"),
    ((errno.EACCES, errno.EPERM), "permission denied", "run it with sudo"),
    ((errno.ELOOP,), "its links lead in a circle", "mend the links first"),
)


def refused(error: OSError, path: str, note: str = "nothing was changed") -> GpudoctorError:
    """The system's refusal in words for a person."""
    for numbers, words, hint in _WORDS:
        if error.errno in numbers:
            if numbers[0] == errno.EACCES and os.geteuid() == 0:
                hint = "not even root may: see `lsattr`, the mount's options, and security modules"
            return GpudoctorError(f"{path} can't be written: {words}", note=note, hint=hint)
    return GpudoctorError(f"{path} can't be written: {error.strerror or error}", note=note)
