"""The child: a framework at work in the interpreter under test, started, timed, and survived however it ends.

It has a session of its own and writes to files; its events come as lines of JSON through a pipe of their own, which nobody but
it inherits. Its end is the process's end, never that of a pipe: a grandchild may hold those open for ever.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Literal

from gpudoctor.facts.record import Record

#: How often the child's open files are looked at, and the longest wait (seconds).
TICK = 0.05
#: What is kept of each of the two outputs (bytes), and how large the file may grow before it is emptied.
TAIL, FLOOD = 1 << 16, 32 << 20
#: Lines longer than this are no events (bytes).
_LONGEST_EVENT = 1 << 20
#: In the environment of the child and of all that it starts: whatever carries it at the end is ended too.
MARK = "GPUDOCTOR_SMOKE_RUN"
#: Device files that a process has open once CUDA runs in it: the driver's, WSL2's, Tegra's.
NODES = ("/dev/nvidia", "/dev/dxg", "/dev/nvmap", "/dev/nvhost", "/dev/nvgpu")

Event = Mapping[str, Any]


class Ended(Record):
    """How a child ended. *hung*: a deadline passed (`over` says which) and it was ended; *unkillable*: it could not be.

    `at`: the phase that it was in ("exit": after the last). `events`: what it said, each with `t` (CLOCK_MONOTONIC).
    `nodes`: device files that it had open; None where the kernel would not tell. `stuck`: where an unkillable process sleeps.
    Times are of CLOCK_MONOTONIC. `strays`: processes that it had left behind, and that were ended."""

    state: Literal["ended", "hung", "unkillable"]
    at: str
    events: tuple[Event, ...]
    code: int | None
    signal: int | None
    over: str
    output: str
    nodes: tuple[str, ...] | None
    stuck: str
    started: float
    ended: float
    strays: int


class Limits(Record):
    """`deadline` of a phase by name, and `total` of all phases together. `grace`: between SIGTERM and SIGKILL, as long as a
    framework needs to let go of the device; `patience`: what is still there so long after SIGKILL can't be ended. Seconds. `stop`: whether to give up now."""

    deadline: Callable[[str], float]
    total: float
    stop: Callable[[], bool] = lambda: False
    grace: float = 1.0
    patience: float = 3.0


def run(
    argv: Sequence[str],
    env: Mapping[str, str],
    folder: str,
    limits: Limits,
    heard: Callable[[Event], None] = lambda event: None,
) -> Ended:
    """Run the program: `argv` gets the number of the event pipe appended. Raises OSError where it can't be started."""
    return _Child(argv, env, folder, limits, heard).run()


class _Child:
    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: str,
        limits: Limits,
        heard: Callable[[Event], None],
    ) -> None:
        self.limits, self.heard = limits, heard
        self.events: list[Event] = []
        self.at, self.begun = "import", time.monotonic()
        self.buffer = b""
        self.nodes: set[str] = set()
        self.nodes_told = False
        self.mark = f"{os.getpid()}.{os.urandom(8).hex()}"
        self.started = self.begun
        self.files = [tempfile.TemporaryFile(dir=folder) for _ in (1, 2)]  # noqa: SIM115 - closed when read
        # O_APPEND: so that the file can be emptied under a child that never stops printing.
        outputs = [os.open(f"/proc/self/fd/{f.fileno()}", os.O_WRONLY | os.O_APPEND) for f in self.files]
        self.pipe, theirs = os.pipe()
        os.set_blocking(self.pipe, False)
        try:
            self.process = subprocess.Popen(
                [*argv, str(theirs)],
                stdin=subprocess.DEVNULL,
                stdout=outputs[0],
                stderr=outputs[1],
                env={**env, MARK: self.mark},
                cwd=folder,
                pass_fds=(theirs,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self.pipe)
            raise
        finally:
            for number in (theirs, *outputs):
                os.close(number)

    def run(self) -> Ended:
        state: Literal["ended", "hung", "unkillable"] = "ended"
        over, stuck = "", ""
        try:
            over = self._wait()
        finally:  # an interrupt ends the child too
            if over or self.process.returncode is None:
                state = "hung" if over else "ended"
                if not self._end():
                    state, stuck = "unkillable", where_it_sleeps(self.process.pid)
            strays = sweep(self.mark)
            self._read()
            os.close(self.pipe)
        code = self.process.returncode if state != "unkillable" else None
        return Ended(
            state,
            self.at,
            tuple(self.events),
            code if code is not None and code >= 0 else None,
            -code if code is not None and code < 0 and state == "ended" else None,
            over,
            self._output(),
            tuple(sorted(self.nodes)) if self.nodes_told else None,
            stuck,
            self.started,
            time.monotonic(),
            strays,
        )

    def _wait(self) -> str:
        """Until it ends: ""; or until a deadline passes: which one, in words."""
        pidfd = _pidfd(self.process.pid)
        try:
            watched = [self.pipe] + ([pidfd] if pidfd is not None else [])
            while True:
                self._look()
                if self.process.poll() is not None:
                    return ""
                if self.limits.stop():
                    return "interrupted"
                now = time.monotonic()
                allowed = self.limits.deadline(self.at)
                if now - self.begun > allowed:
                    return f"no end of {self.at} within {allowed:.0f} s"
                if now - self.started > self.limits.total:
                    return f"not done within {self.limits.total:.0f} s in all"
                ready, _, _ = select.select(watched, [], [], TICK)
                if self.pipe in ready and not self._read():
                    watched.remove(self.pipe)  # it closed its end; its own end decides
        finally:
            if pidfd is not None:
                os.close(pidfd)

    def _read(self) -> bool:
        """Take what has been said. False when nobody can say more."""
        while True:
            try:
                piece = os.read(self.pipe, 1 << 16)
            except BlockingIOError:
                return True
            if not piece:
                return False
            *lines, self.buffer = (self.buffer + piece).split(b"\n")
            self.buffer = self.buffer[-_LONGEST_EVENT:]
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict) or not isinstance(event.get("t"), (int, float)):
            return
        if event.get("event") == "begin":
            self.at, self.begun = str(event.get("phase")), time.monotonic()
        self.events.append(event)
        self.heard(event)

    def _look(self) -> None:
        for file in self.files:
            if os.fstat(file.fileno()).st_size > FLOOD:
                os.ftruncate(file.fileno(), 0)
        folder = f"/proc/{self.process.pid}/fd"
        try:
            for name in os.listdir(folder):
                target = os.readlink(f"{folder}/{name}")
                self.nodes_told = True
                if target.startswith(NODES):
                    self.nodes.add(target)
        except OSError:
            pass  # it ended meanwhile, a file was closed meanwhile, or the kernel does not let us look

    def _end(self) -> bool:
        """SIGTERM, then SIGKILL, to its group and to whatever carries its mark. False if it is still there."""
        _signal(self.process.pid, self.mark, signal.SIGTERM)
        if self._gone(self.limits.grace):
            return True
        _signal(self.process.pid, self.mark, signal.SIGKILL)
        if self._gone(self.limits.patience):
            return True
        self.process.returncode = -signal.SIGKILL  # tell Popen not to wait for it, nor to warn
        return False

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read()
            if self.process.poll() is not None:
                return True
            time.sleep(0.02)
        return self.process.poll() is not None

    def _output(self) -> str:
        parts = [_tail(file) for file in self.files]
        for file in self.files:
            file.close()
        return "\n".join(part for part in parts if part)


def sweep(mark: str) -> int:
    """End whatever still carries the mark; how many these were."""
    found = list(marked(mark))
    for pid in found:
        _kill(pid, signal.SIGKILL)
    return len(found)


def marked(mark: str) -> Sequence[int]:
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read():
                    found.append(int(name))
        except OSError:
            continue  # another user's, or gone
    return found


def where_it_sleeps(pid: int) -> str:
    """What the kernel tells of a process that can't be ended: its state, and the function that it sleeps in."""
    told = []
    try:
        with open(f"/proc/{pid}/status") as file:
            told += [line.strip() for line in file if line.startswith(("State:", "Uid:"))]
    except OSError as error:
        return f"/proc/{pid}: {error.strerror}"
    for name in ("wchan", "stack"):
        try:
            with open(f"/proc/{pid}/{name}") as file:
                text = file.read().strip()
        except OSError:
            continue
        if text not in ("", "0"):
            told.append(f"{name}: {text}")
    return "\n".join(told)


def _signal(group: int, mark: str, number: int) -> None:
    try:
        os.killpg(group, number)
    except OSError:
        pass
    for pid in marked(mark):
        _kill(pid, number)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # an old kernel, or a sandbox: the tick must do
        return None


def _tail(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - TAIL))
    return file.read(TAIL).decode("utf-8", "replace").strip()
