"""The live machine."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, TypeVar

from gpudoctor.system.port import TEXT_LIMIT, FileInfo, NotHere, Options, Ran
from gpudoctor.system.process import GRACE

if TYPE_CHECKING:
    from gpudoctor.system.spawn import Started

T = TypeVar("T")

_SIGKILL = 9
#: What a pipe holds (bytes, pipe(7)), and how often one is looked at whose program has not ended (seconds).
PIPE, LOOK = 1 << 16, 0.01
#: What a program may print before it is cut (bytes).
OUTPUT_LIMIT = 4 << 20
#: How long the end waits for a program that is just being started (seconds): on a dead file system that takes for ever.
STARTING = 2.0
#: Before the total deadline so much is kept for killing what hangs and for printing the report (seconds).
RESERVE = 0.5

_KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "dir"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISCHR, "char"),
    (stat.S_ISBLK, "block"),
)


def file_info(result: os.stat_result) -> FileInfo:
    kind = next((name for test, name in _KINDS if test(result.st_mode)), "other")
    device = result.st_rdev if kind in ("char", "block") else 0
    return FileInfo(
        kind,
        stat.S_IMODE(result.st_mode),
        result.st_uid,
        result.st_gid,
        result.st_size,
        result.st_mtime,
        result.st_ctime,
        os.major(device),
        os.minor(device),
        result.st_ino,
    )


class Memo:
    """One value per key, made once even when several threads ask; they wait for the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: dict[str, tuple[threading.Lock, list[Any]]] = {}

    def __call__(self, key: str, make: Callable[[], T]) -> T:
        with self._lock:
            lock, cell = self._cells.setdefault(key, (threading.Lock(), []))
        with lock:
            if not cell:
                cell.append(make())
            result: T = cell[0]
            return result


class Live:
    """Asks this machine. `timeout`: seconds for everything together, from construction on."""

    prefix = ""
    live = True

    def __init__(
        self, timeout: float = 20.0, env: Mapping[str, str] | None = None, options: Options = Options()
    ) -> None:
        self.env: Mapping[str, str] = dict(os.environ if env is None else env)
        self.options = options
        self._deadline = time.monotonic() + timeout
        self._children: set[Started] = set()
        self._closed = False
        #: Threads that are starting a program: it may run already, and `_children` does not know it yet.
        self._starting: set[int] = set()
        self._started = threading.Condition()
        self.memo = Memo()
        self._running: set[int] = set()
        #: Called when a thread has started a program and begins to wait for it.
        self.waiting: Callable[[], None] = lambda: None

    @property
    def programs_run(self) -> bool:
        """A program runs, or is about to."""
        return bool(self._running)

    def close(self) -> None:
        """Kill what is still running of ours; called when the report is out and the exit waits for nobody.

        But for a program that is just being started: were it left, what it starts in its turn would outlive us."""
        self._closed = True
        with self._started:
            self._started.wait_for(lambda: not self._starting, STARTING)
        for process in list(self._children):
            _kill_group(process, running=False)

    def remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def read(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        # Without O_NONBLOCK a FIFO in the place of a file would hang us; regular files ignore the flag.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            chunks: list[bytes] = []
            left, size = limit, 1 << 13
            while left > 0:
                try:
                    chunk = os.read(descriptor, min(left, size))
                except BlockingIOError:  # /dev/kmsg and FIFOs: nothing more for now
                    break
                except (
                    BrokenPipeError
                ):  # /dev/kmsg: this record was overwritten meanwhile; the next one stands
                    continue
                if not chunk:
                    break
                if (
                    len(chunk) == size
                ):  # a large file; most are not, and a large buffer costs more than the read
                    size = min(size * 8, 1 << 20)
                chunks.append(chunk)
                left -= len(chunk)
            return b"".join(chunks)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> IO[bytes]:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return open(path, "rb")

    def listdir(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def stat(self, path: str, follow: bool = True) -> FileInfo:
        return file_info(os.stat(path, follow_symlinks=follow))

    def readlink(self, path: str) -> str:
        return os.readlink(path)

    def realpath(self, path: str) -> str:
        return os.path.realpath(path)

    def space(self, path: str) -> tuple[int, int]:
        told = os.statvfs(path)
        return told.f_frsize * told.f_blocks, told.f_frsize * told.f_bavail

    def try_open(self, path: str) -> str:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error.errno))
        return ""

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str | None = None,
    ) -> Ran:
        thread = threading.get_ident()
        self._running.add(thread)
        try:
            return self._run(argv, timeout, env, stdin, cwd)
        finally:
            self._running.discard(thread)

    def _run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str] | None,
        stdin: bytes,
        cwd: str | None,
    ) -> Ran:
        from gpudoctor.system.spawn import start

        started = time.monotonic()
        timeout = min(timeout, self.remaining() - RESERVE)
        if timeout <= 0:
            raise NotHere("no time left")
        thread = threading.get_ident()
        self._starting.add(thread)
        try:
            process = start(argv, self.env if env is None else env, bool(stdin), cwd)
            self._children.add(process)
        finally:
            with self._started:
                self._starting.discard(thread)
                self._started.notify_all()
        try:
            self.waiting()
            if self._closed:  # between the start and the line above: nobody else would end it
                _kill_group(process, running=False)
            stdout, stderr, timed_out = _collect(process, stdin, started + timeout)
        finally:
            self._children.discard(process)
        ended: int = process.returncode if process.returncode is not None else -_SIGKILL
        code, killed_by = (ended, None) if ended >= 0 else (None, -ended)
        return Ran(
            tuple(argv),
            None if timed_out else code,
            stdout.decode("utf-8", "replace"),
            stderr.decode("utf-8", "replace"),
            None if timed_out else killed_by,
            timed_out,
            time.monotonic() - started,
        )


def _collect(process: Started, stdin: bytes, deadline: float) -> tuple[bytes, bytes, bool]:
    """Read both pipes until the process ends or the deadline passes; then kill its group and wait for nobody.

    The process's end counts, not the pipes': a grandchild may hold them open for ever. A process that can't be
    killed (another user's, or in an uninterruptible sleep) is left behind; its pipes are closed.
    """
    if process.into >= 0:
        threading.Thread(target=_feed, args=(process.into, stdin), daemon=True).start()
    pipes = [_Pipe(process.out), _Pipe(process.err)]
    watch = _Watch(process, pipes)
    timed_out = False
    try:
        while not (ended := process.poll() is not None):
            left = deadline - time.monotonic()
            if left <= 0:
                timed_out = True
                break
            watch.wait(left)
            watch.heard(sum(pipe.drain() for pipe in pipes))
        if ended:  # what it wrote last
            for pipe in pipes:
                pipe.drain()
    finally:
        watch.close()
        _kill_group(process, timed_out)
        for pipe in pipes:
            os.close(pipe.descriptor)
    return b"".join(pipes[0].chunks), b"".join(pipes[1].chunks), timed_out


class _Pipe:
    """What a program wrote so far, cut at OUTPUT_LIMIT."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.chunks: list[bytes] = []
        self._size = 0
        self.open = True
        os.set_blocking(descriptor, False)

    def drain(self) -> int:
        """Take what lies in it; of one that is filled as fast as it is read a part. How much that was (bytes)."""
        taken = 0
        for _ in range(64):
            try:
                chunk = os.read(self.descriptor, PIPE) if self.open else b""
            except BlockingIOError:
                break
            if not chunk:
                self.open = False
                break
            taken += len(chunk)
            if self._size < OUTPUT_LIMIT:
                self.chunks.append(chunk)
                self._size += len(chunk)
        return taken


class _Watch:
    """Waits for a program's end, with a look at its pipes now and then. A helper writes hundreds of lines: waking up for each
    would take the interpreter from the thread that does the work. Of one that fills its pipes every piece is waited for."""

    def __init__(self, process: Started, pipes: Sequence[_Pipe]) -> None:
        import select

        self._poll, self._readable = select.poll, select.POLLIN
        self._pipes = pipes
        try:
            self._end = os.pidfd_open(process.pid)  # Linux 5.3
        except (OSError, AttributeError):
            self._end = -1
        self._talks = self._end < 0
        self._pause = LOOK if self._end >= 0 else 0.001

    def wait(self, left: float) -> None:
        poll = self._poll()
        if self._end >= 0:
            poll.register(self._end, self._readable)
        if self._talks:
            for pipe in self._pipes:
                if pipe.open:
                    poll.register(pipe.descriptor, self._readable)
        poll.poll(min(left, self._pause) * 1000)
        self._pause = min(self._pause * 2, 0.05) if self._end < 0 else LOOK

    def heard(self, size: int) -> None:
        self._talks = self._talks or size >= PIPE

    def close(self) -> None:
        if self._end >= 0:
            os.close(self._end)


def _feed(pipe: int, data: bytes) -> None:
    try:
        with open(pipe, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
    except OSError:
        return  # the child closed its end: its business


def _kill_group(process: Started, running: bool) -> None:
    try:
        os.killpg(process.pid, _SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if running and not process.ended(GRACE):
        # Uninterruptible: nobody can end it now.
        process.left_behind(-_SIGKILL)
