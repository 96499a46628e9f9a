"""Real parts of two CUDA toolkits, from NVIDIA's wheels: what is read from them is what they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpudoctor.facts.cuda import CompilerLimits, Toolkit
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.probes import cuda
from gpudoctor.system.root import Root

WHEELS = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", "build")) / "toolkit-wheels"
pytestmark = [
    pytest.mark.wheels,
    pytest.mark.skipif(
        not WHEELS.is_dir(), reason="no build/toolkit-wheels: run scripts/fetch-toolkit-wheels"
    ),
]


def unpacked(major: int, tmp_path: Path) -> Toolkit:
    """The wheel in a virtual environment of another root."""
    site = tmp_path / "venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    # Moved by hard link: a root must not lead outside itself, and copying tens of megabytes takes a second.
    for source in (WHEELS / str(major)).rglob("*"):
        place = site / source.relative_to(WHEELS / str(major))
        if source.is_dir():
            place.mkdir(exist_ok=True)
        else:
            try:
                os.link(source.resolve(), place)
            except OSError:
                place.write_bytes(source.read_bytes())
    found = cuda.toolkits(Root(str(tmp_path), env={"PATH": "/usr/bin", "VIRTUAL_ENV": "/venv"}))
    assert isinstance(found, Known)
    (kit,) = found.value
    return kit


@pytest.mark.parametrize(
    ("major", "version", "limits"),
    [(11, "11.8.89", CompilerLimits(11, 14, 3)), (12, "12.4.131", CompilerLimits(13, 17, 3))],
)
def test_a_real_wheel(major: int, version: str, limits: CompilerLimits, tmp_path: Path) -> None:
    kit = unpacked(major, tmp_path)
    assert kit.origin == "wheel"
    assert value_of(kit.version, "") == version
    assert [tool.name for tool in kit.tools] == ["ptxas"]
    assert value_of(kit.limits, None) == limits
    assert isinstance(kit.libdevice, Known) and isinstance(kit.nvvm, Known)
    assert isinstance(kit.headers, Absent) and isinstance(kit.cudart, Absent)
