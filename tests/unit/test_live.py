"""The live port: deadlines hold whatever a program does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import gpudoctor
from gpudoctor.facts.observed import Absent, Unknown
from gpudoctor.system import spawn
from gpudoctor.system.live import RESERVE, Live
from gpudoctor.system.port import NotHere, observe, text, which

PYTHON = sys.executable


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_output_and_exit_status() -> None:
    ran = Live().run(
        [PYTHON, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"], 10
    )
    assert (ran.code, ran.stdout, ran.stderr, ran.timed_out) == (3, "out\n", "err\n", False)


def test_a_signal_is_named() -> None:
    ran = Live().run([PYTHON, "-c", "import os; os.kill(os.getpid(), 11)"], 10)
    assert (ran.code, ran.signal) == (None, 11)


def test_standard_input_reaches_the_program() -> None:
    ran = Live().run([PYTHON, "-c", "import sys; print(len(sys.stdin.read()))"], 10, stdin=b"x" * 300_000)
    assert ran.stdout == "300000\n"


HANG = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    time.sleep(600)
print(pid, flush=True)
time.sleep(600)
"""


def test_a_hang_that_ignores_sigterm_with_a_grandchild_on_the_pipe_ends_at_its_deadline() -> None:
    started = time.monotonic()
    ran = Live().run([PYTHON, "-c", HANG], 1.0)
    assert ran.timed_out and ran.code is None
    assert time.monotonic() - started < 4
    grandchild = int(ran.stdout)
    deadline = time.monotonic() + 3
    while alive(grandchild) and time.monotonic() < deadline:
        os.sched_yield()
    assert not alive(grandchild)


LEAVES_A_GRANDCHILD = """
import os, time
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
print("done", flush=True)
"""


def test_a_grandchild_that_holds_the_pipe_does_not_hold_us() -> None:
    started = time.monotonic()
    ran = Live().run([PYTHON, "-c", LEAVES_A_GRANDCHILD], 20)
    assert ran.code == 0 and ran.stdout == "done\n" and not ran.timed_out
    assert time.monotonic() - started < 5


STATE = "import os; print(os.getsid(0) == os.getpid(), os.readlink('/proc/self/fd/0'), sorted(os.listdir('/proc/self/fd')))"


@pytest.mark.parametrize("cwd", [None, "/"], ids=["posix_spawn", "subprocess"])
def test_a_program_gets_a_session_and_nothing_that_was_left_open(cwd: str | None) -> None:
    """A job's lock or log is not the driver's to hold while it hangs."""
    read, write = os.pipe()
    try:
        os.set_inheritable(write, True)
        ran = Live().run([PYTHON, "-c", STATE], 10, cwd=cwd)
    finally:
        os.close(read)
        os.close(write)
    assert ran.stdout == "True /dev/null ['0', '1', '2', '3']\n", ran.stderr  # 3: that of the listing


def test_what_python_ignores_is_not_ignored_by_a_program() -> None:
    ran = Live().run(["/bin/cat", "/proc/self/status"], 10)
    ignored = next(line for line in ran.stdout.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & (1 << 12 | 1 << 24) == 0


@pytest.mark.parametrize("name", ["/no/such/program", "no-such-program"])
def test_a_program_that_is_not_there(name: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        Live().run([name], 10)
    assert len(os.listdir("/proc/self/fd")) == before


def test_output_is_read_where_the_kernel_tells_of_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux before 5.3, and sandboxes that refuse the call."""

    def refused(pid: int, flags: int = 0) -> int:
        raise OSError(38, "not implemented")

    monkeypatch.setattr(os, "pidfd_open", refused, raising=False)
    ran = Live().run([PYTHON, "-c", "print('x' * 200_000)"], 10)
    assert ran.code == 0 and len(ran.stdout) == 200_001
    assert Live().run([PYTHON, "-c", HANG], 1.0).timed_out


def test_a_flood_is_cut_and_still_ends() -> None:
    ran = Live().run([PYTHON, "-c", "import sys\nfor _ in range(300): sys.stdout.write('x' * 65536)"], 20)
    assert ran.code == 0 and len(ran.stdout) <= (4 << 20) + 65536


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("cc") is None, reason="needs root and a C compiler")
def test_a_child_of_another_user_that_we_may_not_kill_is_left_behind(tmp_path: Path) -> None:
    """A set-user-id program started by another user: kill(2) says EPERM, and the deadline holds all the same."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o005 != 0o005:  # pytest's own folders are closed to others
            folder.chmod(0o755)
    (tmp_path / "p.c").write_text("#include <unistd.h>\nint main(void) { setuid(0); for (;;) pause(); }\n")
    program = tmp_path / "unkillable"
    subprocess.run(["cc", "-o", str(program), str(tmp_path / "p.c")], check=True)
    program.chmod(0o4755)
    driver = tmp_path / "driver.py"
    packages = str(Path(gpudoctor.__file__).parents[1])
    driver.write_text(
        "import select, subprocess, sys, time, os\n"  # the other user may not read this Python's folder
        f"sys.path.insert(0, {packages!r})\n"
        "import gpudoctor.system.spawn\n"
        "from gpudoctor.system.live import Live\n"
        "os.setuid(65534)\n"
        "started = time.monotonic()\n"
        f"ran = Live().run([{str(program)!r}], 1.0)\n"
        "print(ran.timed_out and time.monotonic() - started < 4)\n"
    )
    ran = subprocess.run([PYTHON, str(driver)], capture_output=True, text=True, timeout=30)
    assert ran.stdout == "True\n", ran.stderr
    left = [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if command_line(p) == str(program)]
    assert len(left) == 1
    os.kill(left[0], signal.SIGKILL)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")
    except OSError:
        return ""


def test_no_time_left_starts_nothing() -> None:
    with pytest.raises(NotHere):
        Live(timeout=RESERVE / 2).run([PYTHON, "-c", "pass"], 5)


def test_a_fifo_in_the_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert Live().read(str(tmp_path / "fifo")) == b""


def test_reads_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5000)
    assert len(Live().read(str(tmp_path / "big"), 1000)) == 1000


def test_every_way_of_not_being_answered_is_a_value(tmp_path: Path) -> None:
    port = Live()
    missing = str(tmp_path / "missing")
    assert observe(lambda: text(port, missing), missing) == Absent(missing)
    assert isinstance(observe(lambda: text(port, str(tmp_path)), "dir"), Unknown)
    assert isinstance(observe(lambda: int("no number"), "x"), Unknown)


def test_which_takes_the_first_executable(tmp_path: Path) -> None:
    for name, mode in (("a", 0o644), ("b", 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nvcc").write_text("#!/bin/sh\n")
        (tmp_path / name / "nvcc").chmod(mode)
    port = Live(env={"PATH": f"{tmp_path}/none:{tmp_path}/a:{tmp_path}/b"})
    assert which(port, "nvcc") == f"{tmp_path}/b/nvcc"
    assert which(port, "ptxas") is None


def test_the_end_waits_for_a_program_that_is_just_being_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs already and nobody knows it yet: left alone, what it has started in its turn would outlive us."""
    live, begun, made = Live(), threading.Event(), []
    start = spawn.start

    def slow(*arguments: Any, **more: Any) -> spawn.Started:
        made.append(start(*arguments, **more))
        begun.set()
        while not live._closed:
            time.sleep(0.001)
        return made[0]

    monkeypatch.setattr(spawn, "start", slow)
    asking = threading.Thread(target=lambda: live.run(["sh", "-c", "sleep 600 & wait"], 30))
    asking.start()
    assert begun.wait(10)
    assert not live._children
    live.close()
    assert live._children == {made[0]} or made[0].poll() is not None
    asking.join(10)
    assert not asking.is_alive() and made[0].poll() == -signal.SIGKILL
