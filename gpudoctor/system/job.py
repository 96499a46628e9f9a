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
from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.system.process import follow, kill_group

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
    keep: Sequence[int] = (),
) -> Ended:
    """Run a program in a session of its own and hand over each line of its output. `keep`: descriptors that it inherits.

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
        pass_fds=tuple(keep),
        start_new_session=True,
    )
    assert process.stdout is not None and process.stderr is not None
    heard = _Lines(on_line)
    timed_out, obeyed = False, True
    try:
        timed_out = not follow(process, heard.take, started + timeout)
        if timed_out:
            # What it says while it stops is heard too: that is often the reason.
            obeyed = _stop(process, stop, grace, heard.take)
        heard.end()
    except BaseException:
        _stop(process, stop, grace, lambda number, chunk: None)
        raise
    finally:
        kill_group(process, process.poll() is None)
        for pipe in (process.stdout, process.stderr):
            pipe.close()
    ended = process.returncode if process.returncode is not None else -signal.SIGKILL
    code, killed = (ended, None) if ended >= 0 else (None, -ended)
    seconds = time.monotonic() - started
    return Ended(
        tuple(argv), None if timed_out else code, None if timed_out else killed, timed_out, obeyed, seconds
    )


def _stop(
    process: subprocess.Popen[bytes], stop: int, grace: float, heard: Callable[[int, bytes], None]
) -> bool:
    """Whether it ended by itself."""
    try:
        os.killpg(process.pid, stop)
    except (ProcessLookupError, PermissionError):
        pass
    return follow(process, heard, time.monotonic() + grace)


class _Lines:
    """Cuts two streams into lines; "\\r\\n" is one end, a lone "\\r" is a progress bar's."""

    def __init__(self, on_line: Callable[[Stream, str], None]) -> None:
        self.on_line = on_line
        self.rest = {1: bytearray(), 2: bytearray()}

    def take(self, number: int, chunk: bytes) -> None:
        rest = self.rest[number]
        rest += chunk
        while True:
            ends = [at for at in (rest.find(b"\n"), rest.find(b"\r")) if at >= 0]
            if not ends:
                if len(rest) > LINE_LIMIT:
                    self._say(number, bytes(rest))
                    rest.clear()
                return
            at = min(ends)
            if rest[at] == 0x0D and at + 1 == len(rest):
                return  # its "\n" may be still to come
            line = bytes(rest[:at])
            del rest[: at + (2 if rest[at : at + 2] == b"\r\n" else 1)]
            self._say(number, line)

    def end(self) -> None:
        """The last lines, which had no end."""
        for number, rest in self.rest.items():
            if rest:
                self._say(number, bytes(rest))

    def _say(self, number: int, line: bytes) -> None:
        self.on_line("stdout" if number == 1 else "stderr", line.decode("utf-8", "replace"))
