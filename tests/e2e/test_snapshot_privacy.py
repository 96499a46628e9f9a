"""A snapshot of a real run says nothing of the person who took it, whatever stands in the environment."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from gpudoctor.probes.environment import ALLOWED
from gpudoctor.workflows.redaction import COMMON_NAMES

#: What is planted -> a word of it that must not come out.
PLANTED = {
    "hf_abcdEFGH1234567890abcdEFGH12": "hf_abcd",
    "https://wilhelmina:geheim@proxy.example:3128": "geheim",
    "wilhelmina@example.org": "wilhelmina",
    "/home/wilhelmina/venv": "wilhelmina",
    "/srv/people/wilhelmina/data": "wilhelmina",
    "host=192.168.77.9": "192.168.77.9",
    "52:54:00:ab:cd:ef": "52:54:00",
    "serial: 1650522012345": "1650522012345",
}
WORDS = sorted(set(PLANTED.values()))


def taken(tmp_path: Path, *arguments: str) -> str:
    # The loader's and Python's own variables decide whether the program starts at all.
    environment = {
        name: " ".join(PLANTED) for name in ALLOWED if not name.startswith(("LD_", "PYTHON", "PATH"))
    }
    environment |= {f"MY_{n}": value for n, value in enumerate(PLANTED)}
    environment |= {
        "PATH": "/usr/bin:/bin:/home/wilhelmina/bin:/srv/people/wilhelmina/cuda/bin",
        "LD_LIBRARY_PATH": "/home/wilhelmina/cuda/lib64",
        "HOME": str(tmp_path / "wilhelmina"),
        "USER": "wilhelmina",
        "LOGNAME": "wilhelmina",
    }
    home = tmp_path / "wilhelmina"
    home.mkdir(exist_ok=True)
    (home / ".bashrc").write_text("export CUDA_HOME=/home/wilhelmina/cuda  # wilhelmina@example.org\n")
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-m", "gpudoctor", "snapshot", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment, "PYTHONPATH": f"{root}:/home/wilhelmina/code"},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.lower()


def test_nothing_that_was_planted_comes_out(tmp_path: Path) -> None:
    said = taken(tmp_path)
    for word in WORDS:
        assert word not in said, said[max(0, said.index(word) - 200) : said.index(word) + 60]
    host = socket.gethostname().lower()
    if len(host) >= 3 and host not in COMMON_NAMES:
        assert f'"{host}' not in said and f" {host} " not in said


def test_it_was_there_to_be_found(tmp_path: Path) -> None:
    """Without redaction the same run does tell: so the test above looked at something."""
    said = taken(tmp_path, "--no-redact")
    assert "wilhelmina" in said and "hf_abcd" in said


def test_variables_that_are_on_no_list_are_not_even_read(tmp_path: Path) -> None:
    assert '"my_0"' not in taken(tmp_path, "--no-redact")
