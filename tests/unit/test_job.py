"""Long jobs as real processes: their lines, their end, and how they are stopped."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from gpudoctor.system import job


def python(code: str, timeout: float = 20.0, grace: float = 5.0) -> tuple[job.Ended, list[tuple[str, str]]]:
    heard: list[tuple[str, str]] = []
    ended = job.run(
        [sys.executable, "-c", code], lambda stream, line: heard.append((stream, line)), timeout, grace=grace
    )
    return ended, heard


def ends(pid: int) -> bool:
    """SIGKILL is sent, not yet delivered, when the job returns: on a busy machine its end is a moment away."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10.0)[0])
    finally:
        os.close(descriptor)


def test_lines_come_whole_whatever_ends_them() -> None:
    ended, heard = python(r"import sys; sys.stdout.buffer.write(b'a\nb\r\n10%\r20%\r\nrest\xff')")
    assert heard == [("stdout", text) for text in ("a", "b", "10%", "20%", "rest\ufffd")]
    assert (ended.code, ended.timed_out) == (0, False)


def test_both_streams_are_heard_and_the_exit_status_is_told() -> None:
    ended, heard = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    assert sorted(heard) == [("stderr", "err"), ("stdout", "out")]
    assert ended.code == 7


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    _, heard = python(f"import sys; sys.stdout.write('x' * {5 * job.LINE_LIMIT})")
    assert len(heard) >= 4 and sum(len(line) for _, line in heard) == 5 * job.LINE_LIMIT


def test_a_signal_that_ended_it_is_told() -> None:
    ended, _ = python("import os; os.kill(os.getpid(), 11)")
    assert (ended.code, ended.signal) == (None, signal.SIGSEGV)


def test_when_its_time_is_over_it_may_stop_by_itself() -> None:
    code = "import time\nprint('up', flush=True)\ntry:\n time.sleep(60)\nexcept KeyboardInterrupt:\n print('tidied')"
    ended, heard = python(code, timeout=2.0)
    assert ended.timed_out and ended.obeyed and ("stdout", "tidied") in heard


def test_one_that_obeys_nobody_is_killed_with_its_children() -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    ended, heard = python(code, timeout=2.0, grace=0.2)
    assert ended.timed_out and not ended.obeyed
    assert ends(int(heard[0][1]))


def test_a_grandchild_that_holds_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(child.pid)\n"
    )
    ended, heard = python(code)
    assert ended.code == 0 and ended.seconds < 15
    os.kill(int(heard[0][1]), signal.SIGKILL)


def test_an_interrupt_stops_it_and_goes_on() -> None:
    heard: list[str] = []

    def listen(stream: job.Stream, line: str) -> None:
        heard.append(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.run(
            [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"],
            listen,
            20.0,
        )
    assert ends(int(heard[0]))


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        job.run(["/no/such/program"], lambda stream, line: None, 1.0)
