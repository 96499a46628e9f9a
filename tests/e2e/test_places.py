"""As an ordinary user, from folders that can't be written, and interrupted: the report is the same, and nothing is left."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import nobody


@pytest.fixture(scope="module")
def installed() -> Iterator[str]:
    with nobody.place() as folder:
        yield nobody.packages(folder)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that its visitor may only read."""
    with nobody.place() as folder:
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def environment(installed: str, home: Path, **more: str) -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": installed, **more}


def run(installed: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [nobody.python(), "-m", "gpudoctor", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=home,
        env=environment(installed, home),
        input="Failed to initialize NVML: Driver/library version mismatch\n",
        **nobody.options(),
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def test_an_ordinary_user_gets_a_whole_report_and_leaves_nothing(installed: str, closed: Path) -> None:
    ran = run(installed, closed, "check", "--format", "json")
    report: dict[str, Any] = json.loads(ran.stdout)
    assert report["crashed"] == [] and report["exit_code"] == ran.returncode
    assert report["machine"]["kernel"] and ran.stderr == ""
    assert os.listdir(closed) == []


def test_what_an_ordinary_user_could_not_see_is_never_passed(installed: str, closed: Path) -> None:
    report = json.loads(run(installed, closed, "check", "--format", "json").stdout)
    assert report["exit_code"] == 0 or report["findings"] or report["skipped"]
    machine = json.loads(run(installed, closed, "snapshot").stdout)["machine"]
    assert machine["host"]["uid"]["value"] != 0
    log = machine["host"]["kernel_log"]
    if not os.access("/dev/kmsg", os.R_OK) or "reason" in log:
        assert "value" not in log


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "cudnn-missing"),
        ("diagnose", "-"),
        ("compat", "--driver", "550.54.14", "--cuda", "12.4"),
        ("snapshot",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_works_where_nothing_can_be_written(
    installed: str, closed: Path, arguments: tuple[str, ...]
) -> None:
    ran = run(installed, closed, *arguments)
    assert ran.returncode == 0 and ran.stdout, ran.stderr
    assert os.listdir(closed) == []


@pytest.mark.skipif(
    os.geteuid() == 0 and not os.path.exists("/usr/bin/python3"), reason="no other user's Python"
)
def test_a_report_can_not_be_put_there(installed: str, closed: Path) -> None:
    ran = run(installed, closed, "check", "--output", "report.txt")
    assert ran.returncode == 2 and "can't be written" in ran.stderr and "report.txt" in ran.stderr


class Hanging:
    """An nvidia-smi that says on a pipe that it runs and holds the pipe until it ends, or all its children do."""

    def __init__(self, folder: Path, then: str) -> None:
        self.pipe = folder / "alive"
        os.mkfifo(self.pipe)
        program = folder / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nexec 9>{self.pipe}\necho up >&9\n{then}\n")
        program.chmod(0o755)
        self.end = os.open(self.pipe, os.O_RDONLY | os.O_NONBLOCK)

    def hear(self) -> bytes:
        """What it says next; b"" when the last process that held the pipe is gone."""
        ready, _, _ = select.select([self.end], [], [], 30)
        assert ready, "the pipe stays silent"
        return os.read(self.end, 100)


@pytest.fixture
def hanging(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hanging]:
    made = Hanging(tmp_path, getattr(request, "param", "exec sleep 600"))
    yield made
    os.close(made.end)


def start(hanging: Hanging) -> subprocess.Popen[str]:
    folder = hanging.pipe.parent
    process = subprocess.Popen(
        [sys.executable, "-m", "gpudoctor", "check", "--timeout", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)},
    )
    assert hanging.hear() == b"up\n"
    return process


@pytest.mark.parametrize("hanging", ["exec sleep 600", "sleep 600 & wait"], indirect=True)
def test_an_interrupt_ends_it_with_130_and_leaves_no_child(hanging: Hanging) -> None:
    process = start(hanging)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "\ninterrupted\n")
    assert hanging.hear() == b""


def test_what_it_asked_ends_with_it_when_it_is_killed(hanging: Hanging) -> None:
    process = start(hanging)
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert hanging.hear() == b""
