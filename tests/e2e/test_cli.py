"""The command line as a user meets it: real processes, real exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from gpudoctor.codec import schema
from gpudoctor.report.model import CheckReport
from gpudoctor.rules.registry import causes
from gpudoctor.workflows.snapshot import take
from tests.causes.driver.test_driver_library_mismatch import upgraded_under_a_running_module
from tests.machines import healthy


def gpudoctor(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "gpudoctor", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    def save(machine: Any, name: str = "machine.json") -> str:
        path = tmp_path / name
        path.write_text(json.dumps(take(machine, redact=False)))
        return str(path)

    return save


def test_a_sick_machine_is_named_with_evidence_and_fix(saved: Any) -> None:
    ran = gpudoctor("check", "--snapshot", saved(upgraded_under_a_running_module()))
    assert ran.returncode == 1 and ran.stderr == ""
    for word in ("driver-library-mismatch", "550.54.14", "550.163.01", "sudo reboot", "1 failure"):
        assert word in ran.stdout


def test_a_healthy_machine_exits_0(saved: Any) -> None:
    ran = gpudoctor("check", "--snapshot", saved(healthy.h100_node()))
    assert ran.returncode == 0, ran.stdout
    assert "nothing wrong was found" in ran.stdout and "8 x NVIDIA H100 80GB HBM3 (9.0)" in ran.stdout


def test_json_fits_its_schema_and_says_the_exit_code(saved: Any) -> None:
    ran = gpudoctor("check", "--format", "json", "--snapshot", saved(upgraded_under_a_running_module()))
    data = json.loads(ran.stdout)
    jsonschema.validate(data, schema(CheckReport, "x", "x"))
    assert data["exit_code"] == ran.returncode == 1
    assert data["findings"][0]["fix"]["id"] == "driver-library-mismatch"
    assert data["summary"]["failures"] == 1


def test_junit_counts_failures(saved: Any, tmp_path: Path) -> None:
    out = tmp_path / "gpu.xml"
    ran = gpudoctor(
        "check",
        "--format",
        "junit",
        "--output",
        str(out),
        "--snapshot",
        saved(upgraded_under_a_running_module()),
    )
    assert ran.returncode == 1 and ran.stdout == ""
    top = ET.parse(out).getroot()
    failing = [c.get("name") for c in top.iter("testcase") if c.find("failure") is not None]
    assert "driver-library-mismatch" in failing
    assert (
        sum(int(s.get("tests", "0")) for s in top.iter("testsuite"))
        == int(top.get("tests", "0"))
        >= len(failing)
    )


def test_colour_only_where_it_is_wanted(saved: Any) -> None:
    path = saved(upgraded_under_a_running_module())
    assert "\x1b[" not in gpudoctor("check", "--snapshot", path).stdout
    assert "\x1b[" in gpudoctor("check", "--snapshot", path, env={"FORCE_COLOR": "1"}).stdout
    assert (
        "\x1b["
        not in gpudoctor("check", "--snapshot", path, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    )


def test_ascii_where_the_encoding_knows_no_more(saved: Any) -> None:
    ran = gpudoctor("check", "--snapshot", saved(healthy.h100_node()), env={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0 and ran.stdout.isascii()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], ["no command 'chekc'", "check"]),
        (["check", "--select", "nonsense"], ["nonsense", "gpudoctor explain"]),
        (["check", "--select", "driver-libary-mismatch"], ["driver-library-mismatch"]),
        (["check", "--snapshot", "/nonexistent/x.json"], ["can't be read"]),
        (["check", "--root", "/proc/nobody"], ["not a folder"]),
        (["check", "--python", "/etc/passwd"], ["no Python interpreter"]),
        (["check", "--python", "/bin/sh"], ["no Python interpreter"]),
        (["check", "--timeout", "0"], ["--timeout"]),
        (["check", "--format", "yaml"], ["error: ", "yaml", "nothing was done", "gpudoctor check --help"]),
        (["check", "--formt", "json"], ["error: ", "--format", "gpudoctor check --help"]),
        (["--nope"], ["error: ", "--nope", "hint: "]),
        (["check", "extra"], ["error: ", "extra"]),
        (["explain", "driver-librari-mismatch"], ["driver-library-mismatch"]),
        (["diff", "/nonexistent/a", "/nonexistent/b"], ["can't be read"]),
    ],
)
def test_wrong_usage_is_a_clear_error_and_exit_2(arguments: list[str], words: list[str]) -> None:
    ran = gpudoctor(*arguments)
    assert ran.returncode == 2 and ran.stdout == ""
    for word in words:
        assert word in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"null",
        b'{"schema": "gpudoctor-snapshot/1"}',
        b"[" * 100_000,
        b'{"schema": "gpudoctor-snapshot/99"}',
        b'{"schema": "gpudoctor-snapshot/1", "tool_version": 1}',
    ],
)
def test_a_broken_snapshot_is_a_clear_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(content)
    ran = gpudoctor("check", "--snapshot", str(tmp_path / "s.json"))
    assert ran.returncode == 2 and ran.stderr.startswith("error: ") and "Traceback" not in ran.stderr


def test_explain_lists_every_cause_and_prints_a_page() -> None:
    listed = gpudoctor("explain")
    assert listed.returncode == 0 and all(f"  {c.id} " in listed.stdout for c in causes())
    page = gpudoctor("explain", "driver-library-mismatch")
    for heading in ("What it is", "Why it hurts", "How to tell", "How to fix", "Sources"):
        assert heading in page.stdout
    told = json.loads(gpudoctor("explain", "driver-library-mismatch", "--format", "json").stdout)
    assert [c["family"] for c in told["causes"]] == ["driver"]


def test_diff_says_what_changed(saved: Any) -> None:
    before, after = saved(healthy.rtx3050_laptop(), "a"), saved(upgraded_under_a_running_module(), "b")
    ran = gpudoctor("diff", before, after)
    assert ran.returncode == 1
    assert "now found: driver-library-mismatch" in ran.stdout and "550.54.14" in ran.stdout
    assert gpudoctor("diff", before, before).returncode == 0


def test_a_reader_that_went_away_is_no_verdict() -> None:
    command = f"{sys.executable} -m gpudoctor explain | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (
        ran.stdout.strip() in ("0", "141") and ran.stderr == ""
    )  # 0: all was written before the reader left


def test_a_reader_that_goes_away_is_no_traceback(saved: Any) -> None:
    command = f"{sys.executable} -m gpudoctor explain | head -n 1"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert ran.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    ran = gpudoctor("completion", shell)
    assert ran.returncode == 0 and "_GPUDOCTOR_COMPLETE" in ran.stdout


def test_completion_knows_the_causes() -> None:
    ran = gpudoctor(
        env={
            "_GPUDOCTOR_COMPLETE": "bash_complete",
            "COMP_WORDS": "gpudoctor check --select driver-lib",
            "COMP_CWORD": "3",
        }
    )
    assert "driver-library-mismatch" in ran.stdout


def test_an_output_that_cannot_be_written_leaves_nothing(saved: Any, tmp_path: Path) -> None:
    ran = gpudoctor("check", "--snapshot", saved(healthy.h100_node()), "--output", str(tmp_path / "no" / "x"))
    assert ran.returncode == 2 and "can't be written" in ran.stderr


FOREIGN = """
import sys
import click, click.shell_completion  # click itself asks for Windows' msvcrt, which is not ours to fake
class Block:
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "pwd", "grp", "termios", "posix", "syslog"}:
            raise ImportError(name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Block())
sys.platform = "win32" if sys.argv[1] == "windows" else "darwin"
from gpudoctor.cli.entry import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_without_posix_check_says_so_and_the_rest_works(system: str, saved: Any) -> None:
    def there(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", FOREIGN, system, *arguments], capture_output=True, text=True, timeout=60
        )

    refused = there("check")
    assert (
        refused.returncode == 2
        and "examines Linux and WSL2" in refused.stderr
        and "Traceback" not in refused.stderr
    )
    assert there("check", "--snapshot", saved(healthy.h100_node())).returncode == 0
    assert there("explain", "driver-library-mismatch").returncode == 0
