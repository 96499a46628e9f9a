"""Starting a program without `subprocess`, whose import costs as much as a quarter of an interpreter.

A machine with a driver is asked by programs, so that every check there would pay for it. What the system's own posix_spawn
can't do (a working folder, a search on PATH, closed standard streams) is left to `subprocess` as before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

#: Python ignores these two, and an ignored signal stays ignored across exec. Numbers of Linux but for MIPS.
_SIGPIPE, _SIGXFSZ = 13, 25


class Started:
    """A program in a session of its own. `into` (-1: it reads nothing), `out` and `err`: our ends of its pipes.
    `returncode`: as Popen's, None while it runs."""

    def __init__(self, pid: int, into: int, out: int, err: int, popen: Any = None) -> None:
        self.pid, self.into, self.out, self.err = pid, into, out, err
        self.returncode: int | None = None
        self._popen = popen

    def poll(self) -> int | None:
        if self.returncode is None:
            if self._popen is not None:
                self.returncode = self._popen.poll()
            else:
                self.returncode = self._reaped()
        return self.returncode

    def _reaped(self) -> int | None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # whoever started us ignores SIGCHLD: the kernel keeps no status
            return 0
        return os.waitstatus_to_exitcode(status) if pid else None

    def left_behind(self, code: int) -> None:
        """It can't be ended: its end is nobody's business any more."""
        self.returncode = code
        if self._popen is not None:
            self._popen.returncode = code

    def ended(self, seconds: float) -> bool:
        """Whether it ends within that time."""
        end = time.monotonic() + seconds
        pause = 0.0005
        while self.poll() is None:
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, pause))
            pause = min(pause * 2, 0.05)
        return True


def start(argv: Sequence[str], env: Mapping[str, str], feed: bool, cwd: str | None = None) -> Started:
    """`feed`: it gets a pipe to read from, else nothing. Raises OSError where it can't be started."""
    ours: list[int] = []
    theirs: list[int] = []
    for _ in range(2):
        read, write = os.pipe()
        ours.append(read)
        theirs.append(write)
    if feed:
        read, write = os.pipe()
        ours.append(write)
        theirs.append(read)
    try:
        plain = cwd is None and "/" in argv[0] and min(*ours, *theirs) > 2
        pid, popen = _spawned(argv, env, theirs) if plain else _by_subprocess(argv, env, theirs, cwd)
    except BaseException:
        for descriptor in ours:
            os.close(descriptor)
        raise
    finally:
        for descriptor in theirs:
            os.close(descriptor)
    return Started(pid, ours[2] if feed else -1, ours[0], ours[1], popen)


def _spawned(argv: Sequence[str], env: Mapping[str, str], theirs: Sequence[int]) -> tuple[int, Any]:
    out, err, *feed = theirs
    actions: list[Any] = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2)]
    if feed:
        actions.append((os.POSIX_SPAWN_DUP2, feed[0], 0))
    else:
        actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    actions += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited()]
    try:
        return os.posix_spawn(
            argv[0], list(argv), dict(env), file_actions=actions, setsid=True, setsigdef=(_SIGPIPE, _SIGXFSZ)
        ), None
    except NotImplementedError:  # a C library without POSIX_SPAWN_SETSID
        return _by_subprocess(argv, env, theirs, None)


def _inherited() -> list[int]:
    """Descriptors that whoever started us left open for programs: a job's lock or log is not the driver's to hold."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                found.append(int(name))
        except OSError:  # that of the listing itself
            continue
    return found


def _by_subprocess(
    argv: Sequence[str], env: Mapping[str, str], theirs: Sequence[int], cwd: str | None
) -> tuple[int, Any]:
    import subprocess

    out, err, *feed = theirs
    stdin = feed[0] if feed else subprocess.DEVNULL
    popen = subprocess.Popen(
        list(argv), stdin=stdin, stdout=out, stderr=err, env=dict(env), cwd=cwd, start_new_session=True
    )
    return popen.pid, popen
