"""NVIDIA's real user-space drivers, as scripts/fetch-real-driver unpacks them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: scripts/test says where things are built: it runs the tests through a link.
BUILD = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", Path(__file__).parents[2] / "build"))
FOLDER = BUILD / "realdriver"


def unpacked(branch: str) -> Path:
    """The folder of this branch's driver ("550"); skips the test, and says why, where it is not there."""
    found = sorted(p.parent for p in FOLDER.glob(f"{branch}.*/complete"))
    if not found:
        pytest.skip(f"no real driver {branch} in {FOLDER}: run scripts/fetch-real-driver")
    return found[-1]


def environment(driver: Path, **more: str) -> dict[str, str]:
    """A process's environment in which the loader and PATH find this driver."""
    path = f"{driver / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "LD_LIBRARY_PATH": str(driver / "lib"), **more}
