"""scripts/refresh-knowledge against the index that pip is configured to use."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = pathlib.Path(os.environ.get("GPUDOCTOR_TEST_BUILD", "build")) / "resolver" / "bin" / "python"
SCRIPT = ROOT / "scripts" / "refresh-knowledge"


def refresh(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(PYTHON), str(SCRIPT), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.wheels
@pytest.mark.skipif(not PYTHON.exists(), reason="no build/resolver: run scripts/fetch-resolver")
def test_the_index_tells_of_everything_that_the_tables_say() -> None:
    """What is there may grow; what the tables say of torchvision's torch does not change any more."""
    ran = refresh("companions")
    assert ran.returncode in (0, 1), ran.stderr
    assert "companions: " in ran.stderr
    assert not [line for line in ran.stdout.splitlines() if line.startswith("-torch")]


def test_it_names_no_index() -> None:
    assert "http" not in SCRIPT.read_text()
