"""Running gpudoctor as an ordinary user, from places where nothing can be written."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

#: What `check`, `explain` and the others import besides the standard library.
PACKAGES = ("gpudoctor", "click", "yaml", "packaging")
NOBODY = 65534


@contextmanager
def place() -> Iterator[Path]:
    """A folder that everybody may enter. (pytest closes its own to others, anew with each run of it on the machine.)"""
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@cache
def python() -> str:
    """A Python 3.10 or newer that any user can start; skips the test where there is none."""
    candidates = ("/usr/bin/python3", "/usr/local/bin/python3")
    wanted = [sys.executable] if os.geteuid() != 0 else [p for p in candidates if os.access(p, os.X_OK)]
    for each in wanted:
        said = subprocess.run(
            [each, "-c", "import sys; print(sys.version_info >= (3, 10))"], capture_output=True, check=False
        )
        if said.stdout.strip() == b"True":
            return each
    pytest.skip("no Python 3.10 or newer that another user can start")


def packages(folder: Path) -> str:
    """A copy of gpudoctor and what it imports, for a user who can't enter the place they are installed in."""
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        assert found is not None and found.origin is not None
        shutil.copytree(
            os.path.dirname(found.origin), folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return str(folder)


def options() -> dict[str, Any]:
    """For subprocess: another user, where we may become one."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
