"""Whatever hangs, the report comes, on time and whole but for what hung."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import nobody

pytestmark = pytest.mark.slow

DEADLINE = 4.0
#: Start-up, the reserve for killing, and a busy two-core machine (seconds).
SLACK = 6.0


def check(
    env: dict[str, str], user: int | None = None, python: str = sys.executable
) -> tuple[dict[str, Any], float]:
    """The JSON report of a real `gpudoctor check`, and how long it took."""
    started = time.monotonic()
    command = [python, "-m", "gpudoctor", "check", "--format", "json", "--timeout", str(DEADLINE)]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **env}, user=user
    )
    took = time.monotonic() - started
    assert "Traceback" not in ran.stderr, ran.stderr
    report = json.loads(ran.stdout)
    assert report["exit_code"] == ran.returncode
    return report, took


def script(folder: Path, name: str, body: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(body)
    path.chmod(0o755)
    return str(folder)


def children_left(marker: str) -> list[int]:
    """Processes whose command line holds the marker."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if marker in line and "pytest" not in line:
                found.append(int(entry))
    return found


def test_an_nvidia_smi_that_ignores_sigterm_with_a_grandchild_on_its_pipe(tmp_path: Path) -> None:
    body = f"#!{sys.executable}\nimport os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.fork()\ntime.sleep(600)\n"
    folder = script(tmp_path / "bin", "nvidia-smi", body)
    report, took = check({"PATH": f"{folder}:{os.environ['PATH']}"})
    assert took < DEADLINE + SLACK
    assert report["machine"]["kernel"]
    assert children_left(f"{folder}/nvidia-smi") == []


def test_a_docker_client_that_hangs(tmp_path: Path) -> None:
    folder = script(tmp_path / "bin", "docker", "#!/bin/sh\nsleep 600\n")
    _, took = check({"PATH": f"{folder}:{os.environ['PATH']}"})
    assert took < DEADLINE + SLACK


SETUID_SLEEP = "#include <unistd.h>\nint main(void) { setuid(0); for (;;) pause(); }\n"


@pytest.fixture
def anyones() -> Iterator[Path]:
    with nobody.place() as folder:
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a set-user-id program")
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_set_user_id_nvidia_smi_stays_ours_to_kill(anyones: Path) -> None:
    source = anyones / "smi.c"
    source.write_text(SETUID_SLEEP)
    program = anyones / "nvidia-smi"
    subprocess.run(["cc", "-o", str(program), str(source)], check=True)
    program.chmod(0o4755)
    here = nobody.packages(anyones / "packages")
    environment = {"PATH": f"{anyones}:/usr/bin:/bin", "HOME": "/proc/nobody", "PYTHONPATH": here}
    try:
        _, took = check(environment, nobody.NOBODY, python=nobody.python())
        assert took < DEADLINE + SLACK
        # no_new_privs: the set-user-id bit gives it nothing, so it stays ours to kill.
        assert children_left(str(program)) == []
    finally:
        for pid in children_left(str(program)):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def dead_mount(tmp_path: Path) -> Iterator[Path]:
    """A FUSE mount whose server never answers: whoever looks into it sleeps."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("mounting needs root and /dev/fuse")
    libc = ctypes.CDLL(None, use_errno=True)
    place = tmp_path / "dead"
    place.mkdir()
    server = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"dead", str(place).encode(), b"fuse", 0, options) != 0:
        os.close(server)
        pytest.skip(f"mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield place
    finally:
        os.close(server)  # whoever sleeps there is told that the connection is gone
        libc.umount2(str(place).encode(), 2)


def test_a_toolkit_on_a_dead_file_system(dead_mount: Path) -> None:
    """(Not LD_LIBRARY_PATH: with that no program starts at all, the loader itself looks there first.)"""
    _, took = check({"CUDA_HOME": f"{dead_mount}/cuda", "VIRTUAL_ENV": f"{dead_mount}/venv"})
    assert took < DEADLINE + SLACK


def test_a_home_on_a_dead_file_system(dead_mount: Path) -> None:
    _, took = check({"HOME": f"{dead_mount}/home", "PYTHONNOUSERSITE": "1"})
    assert took < DEADLINE + SLACK


def test_a_dead_file_system_on_the_path(dead_mount: Path) -> None:
    _, took = check({"PATH": f"{dead_mount}/bin:{os.environ['PATH']}"})
    assert took < DEADLINE + SLACK


def test_a_large_environment() -> None:
    """As large as the kernel allows: 128 KiB a variable, about 1.5 MiB together."""
    large = {f"FILLER_{n}": "x" * 120_000 for n in range(10)}
    large["LD_LIBRARY_PATH"] = ":".join(f"/nonexistent/{n}" for n in range(5000))
    report, took = check(large)
    assert took < DEADLINE + SLACK and report["machine"]["kernel"]
