"""Output that can't be delivered, working directories that are gone, names that are no UTF-8: words, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "gpudoctor"]


def shell(line: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """`$@` is the program."""
    ran = subprocess.run(
        ["sh", "-c", line, "sh", *COMMAND],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={**os.environ, **env},
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('"$@" explain cudnn-missing >&-', "Bad file descriptor"),
        ('"$@" explain cudnn-missing >/dev/full', "No space left"),
        ('"$@" explain --help >/dev/full', "No space left"),
    ],
)
def test_a_report_that_can_not_be_delivered_is_an_error(line: str, why: str) -> None:
    ran = shell(line)
    assert ran.returncode == 2 and ran.stderr.startswith("error: ") and why in ran.stderr


def test_a_removed_working_directory(tmp_path: Path) -> None:
    for arguments in ("check --root .", "explain cudnn-missing", "check --output x --root /etc"):
        gone = tmp_path / "gone"
        gone.mkdir()
        shell(f'rmdir {gone}; "$@" {arguments}', gone, PYTHONPATH=str(Path(__file__).parents[2]))


def test_an_environment_that_is_no_utf8_makes_a_snapshot_that_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    environment = {**os.environb, b"CUDA_HOME": b"/\xff", b"CUDA_VISIBLE_DEVICES": b"\xff"}
    ran = subprocess.run(
        [*COMMAND, "snapshot", "--no-redact", "--output", str(file)],
        capture_output=True,
        env=environment,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "/\udcff" in json.dumps(json.loads(file.read_text()), ensure_ascii=False)
    assert "/\\udcff" in file.read_text()
