"""What every runner of programs does alike: hear what it writes until it has ended, and end it with all that it started."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

#: How long a killed process group may take to die before we stop waiting for it (seconds).
GRACE = 0.3
#: The longest pause between two looks whether a program has ended whose pipes somebody else holds (seconds).
PAUSE = 0.05


def follow(process: subprocess.Popen[bytes], heard: Callable[[int, bytes], None], deadline: float) -> bool:
    """Hand over what the process writes (1: standard output, 2: standard error) until it has ended and its pipes hold nothing
    more. False when `deadline` (of time.monotonic) comes first.

    The process's end counts, not that of its pipes: a grandchild may hold them open for ever."""
    # Only here: a machine on which nothing has to be run is not kept waiting for their import.
    import selectors
    import subprocess

    with selectors.DefaultSelector() as selector:
        for number, pipe in ((1, process.stdout), (2, process.stderr)):
            if pipe is not None and not pipe.closed:
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ, number)
        pause = 0.001
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ended = process.poll() is not None
            events = selector.select(0 if ended else min(left, pause))
            pause = min(pause * 2, PAUSE)
            for key, _ in events:
                try:
                    chunk = os.read(key.fd, 65536)
                except BlockingIOError:
                    continue
                if chunk:
                    heard(key.data, chunk)
                else:
                    selector.unregister(key.fileobj)
            if ended and not events:
                return True
    try:  # both pipes are closed: only its end is left to wait for
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_group(process: subprocess.Popen[bytes], running: bool, grace: float = GRACE) -> None:
    """SIGKILL for the whole session of a process. `running`: it has not ended yet, and is waited for, `grace` seconds at most: what can't be
    killed (another user's, an uninterruptible sleep in a driver) is left behind."""
    import signal
    import subprocess

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if running:
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            # Nobody can end it now. Tell Popen not to warn about it later.
            process.returncode = -signal.SIGKILL
