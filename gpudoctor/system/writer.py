"""The door that acts. Everything that gpudoctor changes in files goes through a `Writer`; only transactions call it.

Every step that the kernel makes durable or visible (create, write, fsync, rename ...) is announced to `hook` before it
is made, so that a test can end the process, or let a step fail, at each of them in turn.

A folder is opened once and *pinned*: what happens in it happens relative to its descriptor, after a check that the
descriptor is the folder that was meant. Somebody who swaps a folder for a link meanwhile (it may be a user's folder, and we
may be root) gains nothing. Files are never opened through a link.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from gpudoctor.errors import GpudoctorError
from gpudoctor.system.filestate import (
    ABSENT,
    APPEND_ONLY,
    IMMUTABLE,
    UNSUPPORTED,
    FileState,
    flags,
    read_all,
    refused,
    state_of,
    write_all,
    xattrs,
)
from gpudoctor.system.root import resolve
from gpudoctor.system.statefolder import Hook, StateFolder

#: Files that are changed are settings; one larger than this is something else (bytes).
SIZE_LIMIT = 64 << 20


class Writer(StateFolder):
    """`prefix`: the root whose files are changed ("" for this machine); `state`: where journals are kept; `live`: programs
    may be run, which nobody but a test says of a root."""

    def __init__(
        self,
        prefix: str = "",
        state: str = "",
        command: str = "gpudoctor",
        hook: Hook | None = None,
        live: bool | None = None,
    ) -> None:
        if prefix and not os.path.isdir(prefix):
            raise GpudoctorError(f"{prefix} is not a folder", context="--root", note="nothing was changed")
        self.prefix = "" if not prefix else os.path.realpath(prefix).rstrip("/")
        super().__init__(state, command, hook)
        self.live = not self.prefix if live is None else live
        self._folders: dict[str, int] = {}

    def for_root(self, prefix: str) -> Writer:
        """The same journals, another root's files."""
        live = self.live if prefix == self.prefix else None
        other = Writer(prefix, self.state, self.command, self._hook, live)
        other.chunk = self.chunk
        return other

    # ------------------------------------------------------------ places

    def resolve(self, path: str, follow: bool = True) -> str:
        """The examined path with its links followed inside the root; the last one only if `follow`."""
        try:
            return resolve(self.prefix, path, follow)
        except OSError as error:
            raise refused(error, path) from None

    def host(self, path: str) -> str:
        """Where a path whose links were followed lies on this machine."""
        return self.prefix + path if path != "/" else self.prefix + "/"

    def folder(self, path: str) -> int:
        """The descriptor of a folder, pinned until `close`. Raises GpudoctorError where another run has it, OSError."""
        if path not in self._folders:
            descriptor = os.open(self.host(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                self._pin(descriptor, path)
            except BaseException:
                os.close(descriptor)
                raise
            self._folders[path] = descriptor
        return self._folders[path]

    def _pin(self, descriptor: int, path: str) -> None:
        try:
            really = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            really = os.path.realpath(self.host(path))  # no /proc here
        if really != os.path.normpath(self.host(path)):
            raise GpudoctorError(
                f"{path} was swapped for another folder meanwhile",
                note="nothing was written there",
                hint="find out who changes this folder, and run it again",
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GpudoctorError(
                f"another gpudoctor is changing files in {path}",
                note="nothing was changed",
                hint="wait until it ends, and run this again",
            ) from None
        except OSError:
            pass  # a file system without locks: the state folder's lock still stands

    def close(self) -> None:
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()

    # ------------------------------------------------------------ looking

    def look(self, path: str) -> tuple[FileState, bytes]:
        """What the name stands for now (its last link is not followed), and the contents of a file. Raises OSError, and
        GpudoctorError for what is neither a file nor a link and for a file that is too large."""
        folder, name = os.path.split(path)
        try:
            at = self.folder(folder)
            info = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return ABSENT, b""
        if stat.S_ISLNK(info.st_mode):
            return FileState(
                "link",
                mtime_ns=info.st_mtime_ns,
                uid=info.st_uid,
                gid=info.st_gid,
                link=os.readlink(name, dir_fd=at),
            ), b""
        if not stat.S_ISREG(info.st_mode):
            raise GpudoctorError(f"{path} is no regular file", note="nothing was changed")
        if info.st_size > SIZE_LIMIT:
            raise GpudoctorError(
                f"{path} is too large to be edited ({info.st_size} bytes)", note="nothing was changed"
            )
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
        try:
            return state_of(descriptor), read_all(descriptor)
        finally:
            os.close(descriptor)

    def names_of(self, path: str) -> int:
        """How many names (hard links) the file has."""
        folder, name = os.path.split(path)
        return os.stat(name, dir_fd=self.folder(folder), follow_symlinks=False).st_nlink

    def immutable(self, path: str) -> bool:
        """The file, or the folder it would be made in, has the attribute that forbids changes even to root (chattr +i, +a)."""
        folder, name = os.path.split(path)
        at = self.folder(folder)
        if flags(at) & (IMMUTABLE | APPEND_ONLY):
            return True
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
        except OSError:
            return False
        try:
            return bool(flags(descriptor) & (IMMUTABLE | APPEND_ONLY))
        finally:
            os.close(descriptor)

    # ------------------------------------------------------------ acting

    def missing_folders(self, path: str) -> tuple[str, ...]:
        """The folders that must be made before `path` can be, outermost first."""
        missing: list[str] = []
        folder = os.path.dirname(path)
        while folder != "/" and not os.path.isdir(self.host(folder)):
            missing.append(folder)
            folder = os.path.dirname(folder)
        return tuple(reversed(missing))

    def make_folder(self, path: str) -> None:
        """A folder that belongs to whom its parent belongs to. One that is there is left as it is."""
        parent, name = os.path.split(path)
        at = self.folder(parent)
        self._step("mkdir", path)
        try:
            os.mkdir(name, 0o755, dir_fd=at)
        except FileExistsError:
            return
        owner = os.fstat(at)
        if os.geteuid() == 0:
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=at, follow_symlinks=False)
        self.sync_folder(parent)

    def remove_folder(self, path: str) -> bool:
        """False where it is not empty (any more), and so stays."""
        parent, name = os.path.split(path)
        descriptor = self._folders.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)
        self._step("rmdir", path)
        try:
            os.rmdir(name, dir_fd=self.folder(parent))
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        self.sync_folder(parent)
        return True

    def stage(self, path: str, content: bytes, like: FileState) -> None:
        """A new file at `path` with these contents and the mode, owner, attributes and times of `like`, on the disk when
        this returns. `like.uid` -1: the owner of its folder; `like.mtime_ns` 0: now. Raises OSError."""
        folder, name = os.path.split(path)
        at = self.folder(folder)
        self.remove(path)
        self._step("create", path)
        descriptor = os.open(
            name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at
        )
        try:
            for start in range(0, len(content), self.chunk):
                self._step("write", path)
                write_all(descriptor, content[start : start + self.chunk])
            self._dress(descriptor, path, like, at)
            self._step("fsync", path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _dress(self, descriptor: int, path: str, like: FileState, folder: int) -> None:
        """Owner first (it clears set-uid bits and capabilities), then permissions, attributes, times."""
        now = os.fstat(descriptor)
        uid, gid = like.uid, like.gid
        if uid < 0:
            uid, gid = (
                (os.fstat(folder).st_uid, os.fstat(folder).st_gid)
                if os.geteuid() == 0
                else (now.st_uid, now.st_gid)
            )
        if (uid, gid) != (now.st_uid, now.st_gid):
            self._step("chown", path)
            os.fchown(descriptor, uid, gid)
        self._step("chmod", path)
        os.fchmod(descriptor, like.mode)
        have = xattrs(descriptor)
        for name, value in like.xattrs.items():
            if have.get(name) != value:
                self._step("setxattr", path)
                os.setxattr(descriptor, name, bytes.fromhex(value))
        for name in have:
            if name not in like.xattrs and like.mtime_ns:
                self._step("setxattr", path)  # a default access list of the folder, say
                os.removexattr(descriptor, name)
        if like.mtime_ns or like.atime_ns:
            self._step("utime", path)
            os.utime(descriptor, ns=(like.atime_ns, like.mtime_ns or os.fstat(descriptor).st_mtime_ns))

    def stage_link(self, path: str, like: FileState) -> None:
        """A symbolic link at `path` that points to `like.link`."""
        folder, name = os.path.split(path)
        at = self.folder(folder)
        self.remove(path)
        self._step("symlink", path)
        os.symlink(like.link, name, dir_fd=at)
        if os.geteuid() == 0:
            owner = os.fstat(at)
            uid, gid = (like.uid, like.gid) if like.uid >= 0 else (owner.st_uid, owner.st_gid)
            os.chown(name, uid, gid, dir_fd=at, follow_symlinks=False)
        if like.mtime_ns:
            os.utime(name, ns=(like.mtime_ns, like.mtime_ns), dir_fd=at, follow_symlinks=False)

    def second_name(self, path: str, other: str) -> bool:
        """The file also under the name `other`, in the same folder. False where the file system knows no second names."""
        folder, name = os.path.split(path)
        at = self.folder(folder)
        self.remove(other)
        self._step("link", other)
        try:
            os.link(name, os.path.basename(other), src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        except OSError:
            return False
        return True

    def rename(self, source: str, target: str) -> None:
        """Both in one folder. Atomic: whoever looks sees the old file or the new one."""
        folder, name = os.path.split(source)
        at = self.folder(folder)
        self._step("rename", target)
        os.rename(name, os.path.basename(target), src_dir_fd=at, dst_dir_fd=at)

    def remove(self, path: str) -> None:
        """A file or a link; one that is not there is no error."""
        folder, name = os.path.split(path)
        try:
            at = self.folder(folder)
            os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return
        self._step("unlink", path)
        os.unlink(name, dir_fd=at)

    def sync_folder(self, path: str) -> None:
        self._step("fsync", path)
        try:
            os.fsync(self.folder(path))
        except OSError as error:
            if error.errno not in UNSUPPORTED:  # 9p and some FUSE file systems
                raise
