"""`gpudoctor diagnose` as users run it: files, standard input, a program; text, JSON, redaction; exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "diagnose-1.json"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\n"


def gpudoctor(
    *arguments: str, stdin: bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "gpudoctor", "diagnose", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, cwd=cwd, check=False)


def test_a_file_is_answered_with_the_cause_its_line_and_a_fix(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(f"$ nvidia-smi\n{MISMATCH}")
    done = gpudoctor(str(log))
    text = done.stdout.decode()
    assert done.returncode == 0
    assert "driver-library-mismatch" in text
    assert "line 2: Failed to initialize NVML" in text
    assert "fix: " in text


def test_json_holds_to_its_published_schema() -> None:
    done = gpudoctor("--format", "json", "-", stdin=f"one\ntwo\n{MISMATCH}".encode())
    report = json.loads(done.stdout)
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    best = report["diagnoses"][0]
    assert (best["id"], best["fix"]["id"]) == ("driver-library-mismatch", "driver-library-mismatch")
    assert 0.9 <= best["confidence"] <= 1
    assert best["evidence"] == [{"line": 3, "text": MISMATCH.strip(), "file": "standard input"}]
    assert report["exit_code"] == done.returncode == 0


def test_json_without_a_cause_is_an_empty_list_and_two() -> None:
    done = gpudoctor("--format", "json", "-", stdin=b"all is quiet\n")
    assert (json.loads(done.stdout)["diagnoses"], done.returncode) == ([], 2)


def test_no_cause_is_said_and_is_two() -> None:
    done = gpudoctor("-", stdin=b"nothing to see\n")
    assert done.returncode == 2
    assert b"no cause found" in done.stdout


def test_harmless_is_an_answer() -> None:
    line = b"successful NUMA node read from SysFS had negative value (-1), but there must be at least one NUMA node\n"
    done = gpudoctor("-", stdin=line)
    assert done.returncode == 0
    assert b"harmless" in done.stdout


@pytest.mark.parametrize("data", [b"", bytes(range(256)) * 20, b"\x1f\x8b\x08\x00broken"])
def test_what_cannot_be_read_is_an_error_in_words(data: bytes) -> None:
    done = gpudoctor("-", stdin=data)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_an_error_in_words() -> None:
    done = gpudoctor("/no/such/file.log")
    assert done.returncode == 2
    assert b"can't be read" in done.stderr


def test_a_program_that_fails_keeps_its_output_and_its_code() -> None:
    script = "import sys; print('working'); sys.stderr.write('RuntimeError: operator torchvision::nms does not exist\\n'); sys.exit(7)"
    done = gpudoctor("--", sys.executable, "-c", script)
    assert done.returncode == 7
    assert done.stdout == b"working\n"
    assert b"torchvision::nms does not exist\n" in done.stderr
    assert b"torchvision-torchaudio-mismatch" in done.stderr


def test_a_program_that_succeeds_is_left_alone() -> None:
    done = gpudoctor("--", sys.executable, "-c", "print('No CUDA GPUs are available')")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"No CUDA GPUs are available\n", b"")


def test_a_program_that_is_not_there_is_127() -> None:
    assert gpudoctor("--", "/no/such/program").returncode == 127


def test_a_log_never_makes_anything_run(tmp_path: Path) -> None:
    text = f"$(touch {tmp_path}/ran) `touch {tmp_path}/ran`\n{MISMATCH}; touch {tmp_path}/ran\n"
    assert gpudoctor("-", stdin=text.encode(), cwd=tmp_path).returncode == 0
    assert not (tmp_path / "ran").exists()


def test_redact_prints_the_text_without_names_and_keys() -> None:
    text = b"user /home/ada/train.py\nHF_TOKEN=hf_abcdefghijklmnopqrstuvwx\nRuntimeError: CUDA error: out of memory\n"
    done = gpudoctor("--redact", "-", stdin=text)
    assert done.returncode == 0
    assert b"ada" not in done.stdout
    assert b"hf_abc" not in done.stdout
    assert b"RuntimeError: CUDA error: out of memory" in done.stdout


def test_several_files_are_told_apart_in_the_proof(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("hello\n")
    (tmp_path / "b.log").write_text(f"RuntimeError: No CUDA GPUs are available\n{MISMATCH}")
    done = gpudoctor("--format", "json", "a.log", "b.log", cwd=tmp_path)
    found = json.loads(done.stdout)["diagnoses"]
    assert (found[0]["id"], found[0]["evidence"][0]["file"]) == ("driver-library-mismatch", "b.log")
