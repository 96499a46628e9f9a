"""The parent survives its child, however that ends, and names the phase in which it did."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpudoctor.smoke import child, reading
from gpudoctor.smoke.child import Ended, Limits

#: What every child says before it does what its test is about.
SPEAK = """
import json, os, signal, subprocess, sys, time
fd = int(sys.argv[-1]); os.set_inheritable(fd, False)
def say(event, **more):
    os.write(fd, (json.dumps(dict(more, event=event, t=time.monotonic())) + "\\n").encode())
say("begin", phase="import"); say("end", phase="import", state="passed", values={})
say("begin", phase="context"); say("end", phase="context", state="passed", values={"x": 1.0})
say("begin", phase="conv")
"""

Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def start(body: str, deadline: float = 20.0, program: str = sys.executable, **env: str) -> Ended:
        limits = Limits(lambda name: deadline, 20.0, grace=0.1, patience=0.5)
        argv = [program, "-S", "-X", "faulthandler", "-c", SPEAK + body]
        return child.run(argv, {**os.environ, **env}, str(tmp_path), limits)

    return start


def left(folder: Path) -> list[int]:
    """Children that still run in this test's folder; other tests' may be under way."""
    found = []
    for pid in child.marked(""):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder):
                found.append(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


def states(ended: Ended) -> dict[str, str]:
    return {p.name: p.state for p in reading.phases(ended, ("context", "conv", "lstm"))}


def test_a_child_that_does_its_work(run: Run) -> None:
    ended = run(
        'say("end", phase="conv", state="passed", values={}); say("begin", phase="exit"); print("bye")'
    )
    assert (ended.state, ended.code, ended.at, ended.output) == ("ended", 0, "exit", "bye")
    assert states(ended) == {"import": "passed", "context": "passed", "conv": "passed", "lstm": "not-reached"}


@pytest.mark.parametrize(("how", "name"), [("signal.SIGSEGV", "SIGSEGV"), ("signal.SIGABRT", "SIGABRT")])
def test_a_signal_is_the_phases_with_the_python_line(run: Run, how: str, name: str) -> None:
    ended = run(f"os.kill(os.getpid(), {how})")
    assert states(ended) == {
        "import": "passed",
        "context": "passed",
        "conv": "crashed",
        "lstm": "not-reached",
    }
    (conv,) = (p for p in reading.phases(ended, ("context", "conv")) if p.name == "conv")
    assert name in conv.message and conv.signal
    assert "Fatal Python error" in ended.output


def test_an_exit_in_the_midst_is_a_crash_too(run: Run) -> None:
    ended = run("os._exit(7)")
    assert ended.code == 7 and states(ended)["conv"] == "crashed"


def test_a_hang_that_ignores_sigterm_is_ended_at_its_deadline(run: Run, tmp_path: Path) -> None:
    ended = run("signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()", deadline=0.2)
    assert ended.state == "hung" and ended.over == "no end of conv within 0 s"
    assert states(ended)["conv"] == "hung" and not left(tmp_path)


def test_a_grandchild_that_holds_every_pipe_holds_up_nobody(run: Run) -> None:
    """In a session of its own, with our outputs and, as if it had been inherited, the event pipe."""
    ended = run(
        """
os.set_inheritable(fd, True)
subprocess.Popen(["sleep", "1000"], close_fds=False, start_new_session=True)
say("begin", phase="exit")
"""
    )
    assert ended.state == "ended" and ended.code == 0
    assert ended.strays == 1


def test_a_flood_of_output_is_cut_and_the_end_kept(run: Run, tmp_path: Path) -> None:
    ended = run('print("x" * 3000000); print("the end")')
    assert ended.output.endswith("the end") and len(ended.output) <= child.TAIL


def test_nonsense_on_the_event_pipe_is_passed_over(run: Run) -> None:
    ended = run('os.write(fd, b"\\xff{]\\n[1]\\n{\\"event\\": 3}\\n"); say("begin", phase="exit")')
    assert ended.at == "exit" and ended.code == 0


def test_a_program_that_cannot_start_is_an_error_of_the_system(run: Run, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        run("", program=str(tmp_path / "nothing"))


def test_an_open_device_file_is_seen(run: Run) -> None:
    """/dev/nvidia0 can't be had here; a file of that name in the child's folder is none of the driver's."""
    ended = run('open("nvidia0", "w").close(); say("begin", phase="exit")')
    assert ended.nodes == ()


def test_a_process_that_may_not_be_killed_is_reported_and_left(tmp_path: Path) -> None:
    """The kernel refuses the kill, as it does while a process sleeps in a driver: a root that gave CAP_KILL up, and a child
    that became nobody."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    body = SPEAK + "os.setgroups([]); os.setgid(65534); os.setuid(65534)\nwhile True: signal.pause()"
    parent = f"""
import ctypes, os, sys
sys.path[:0] = {[p for p in sys.path if p]!r}
from gpudoctor.smoke import child
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc = ctypes.CDLL(None)
assert libc.capget(header, sets) == 0
sets[0] &= ~(1 << 5)  # effective: without CAP_KILL
assert libc.capset(header, sets) == 0
limits = child.Limits(lambda name: 0.3, 5.0, grace=0.1, patience=0.3)
ended = child.run([sys.executable, "-S", "-c", {body!r}], dict(os.environ), {str(tmp_path)!r}, limits)
print(os.getpid(), ended.state, ended.at, ended.stuck.splitlines()[0])
"""
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, timeout=60)
    try:
        assert done.stdout.split()[1:4] == ["unkillable", "conv", "State:"], done.stderr
    finally:
        for pid in _started_in(str(tmp_path)):
            os.kill(pid, 9)


def _started_in(folder: str) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == folder:
                found.append(int(name))
        except OSError:
            continue
    return found


def test_it_is_given_up_when_that_is_asked_for(tmp_path: Path) -> None:
    limits = Limits(lambda name: 20.0, 20.0, stop=lambda: True, grace=0.1)
    ended = child.run(
        [sys.executable, "-S", "-c", SPEAK + "signal.pause()"], dict(os.environ), str(tmp_path), limits
    )
    assert (ended.state, ended.over) == ("hung", "interrupted")
