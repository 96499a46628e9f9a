"""Long jobs (an image's build, a compiler's night): their lines as they come, a deadline, an orderly stop.

`Live.run` is for questions: it collects a short answer. A job is started with a terminal's habits instead: it is told to
stop with a signal that it can obey, and killed with all its children only when it does not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Literal

from gpudoctor.facts.record import Record
from gpudoctor.system.live import GRACE

#: A line that is longer is cut: a progress bar without line breaks must not fill the memory (bytes).
LINE_LIMIT = 1 << 20

Stream = Literal["stdout", "stderr"]


class Ended(Record):
    """How a job ended. `code`: its exit status; None where a signal ended it (`signal`) or we did (`timed_out`).
    `obeyed`: told to stop, it ended by itself; false where it had to be killed. Times in seconds."""

    argv: tuple[str, ...]
    code: int | None
    signal: int | None = None
    timed_out: bool = False
    obeyed: bool = True
    seconds: float = 0.0


def run(
    argv: Sequence[str],
    on_line: Callable[[Stream, str], None],
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stop: int = signal.SIGINT,
    grace: float = 10.0,
) -> Ended:
    """Run a program in a session of its own and hand over each line of its output.

    `on_line` is called in this thread, with the line's text (bytes that are no UTF-8 replaced, its end cut off; a carriage
    return ends a line too, for progress bars). When `timeout` (seconds) is over, when `on_line` raises, or on
    KeyboardInterrupt, the process group gets `stop`, `grace` seconds to obey, and then SIGKILL; the exception goes on.
    The end of the process counts, not that of its pipes: a grandchild may hold them for ever. Raises OSError where the
    program can't be started.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if env is None else dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stderr is not None
    timed_out, obeyed = False, True
    try:
        timed_out = not _follow(process, on_line, started + timeout)
        if timed_out:
            obeyed = _stop(process, stop, grace, on_line)
    except BaseException:
        _stop(process, stop, grace, None)
        raise
    finally:
        _kill_group(process, process.poll() is None)
        for pipe in (process.stdout, process.stderr):
            pipe.close()
    ended = process.returncode if process.returncode is not None else -signal.SIGKILL
    code, killed = (ended, None) if ended >= 0 else (None, -ended)
    seconds = time.monotonic() - started
    return Ended(
        tuple(argv), None if timed_out else code, None if timed_out else killed, timed_out, obeyed, seconds
    )


def _stop(
    process: subprocess.Popen[bytes], stop: int, grace: float, on_line: Callable[[Stream, str], None] | None
) -> bool:
    """Whether it ended by itself. What it says while stopping is heard too: that is often the reason."""
    try:
        os.killpg(process.pid, stop)
    except (ProcessLookupError, PermissionError):
        pass
    return _follow(process, on_line or (lambda stream, line: None), time.monotonic() + grace)


def _kill_group(process: subprocess.Popen[bytes], running: bool) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if running:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            # Uninterruptible: nobody can end it now. Tell Popen not to warn about it later.
            process.returncode = -signal.SIGKILL


def _follow(
    process: subprocess.Popen[bytes], on_line: Callable[[Stream, str], None], deadline: float
) -> bool:
    """Hand over lines until the process has ended and its pipes hold nothing more. False when the time is over."""
    import selectors

    names: dict[int, Stream] = {}
    rest: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        pipes: tuple[tuple[Stream, IO[bytes] | None], ...] = (
            ("stdout", process.stdout),
            ("stderr", process.stderr),
        )
        for name, pipe in pipes:
            if pipe is None or pipe.closed:
                continue
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
            names[pipe.fileno()], rest[pipe.fileno()] = name, bytearray()
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ended = process.poll() is not None
            # With both pipes closed only the process's end is left to wait for.
            events = selector.select(0 if ended else min(left, 0.05)) if selector.get_map() else []
            if not selector.get_map() and not ended:
                time.sleep(min(left, 0.01))
            for key, _ in events:
                try:
                    chunk = os.read(key.fd, 65536)
                except BlockingIOError:
                    continue
                if chunk:
                    _lines(names[key.fd], rest[key.fd], chunk, on_line)
                else:
                    selector.unregister(key.fileobj)
            if ended and not events:
                for descriptor, left_over in rest.items():
                    if left_over:
                        on_line(names[descriptor], left_over.decode("utf-8", "replace"))
                return True


def _lines(name: Stream, rest: bytearray, chunk: bytes, on_line: Callable[[Stream, str], None]) -> None:
    """Cut whole lines off `rest` and hand them over; "\\r\\n" is one end, a lone "\\r" is a progress bar's."""
    rest += chunk
    while True:
        ends = [at for at in (rest.find(b"\n"), rest.find(b"\r")) if at >= 0]
        if not ends:
            if len(rest) > LINE_LIMIT:
                on_line(name, bytes(rest).decode("utf-8", "replace"))
                rest.clear()
            return
        at = min(ends)
        if rest[at] == 0x0D and at + 1 == len(rest):
            return  # its "\n" may be still to come
        line = bytes(rest[:at])
        del rest[: at + (2 if rest[at : at + 2] == b"\r\n" else 1)]
        on_line(name, line.decode("utf-8", "replace"))
