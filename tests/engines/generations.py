"""The engines that scripts/fetch-engine unpacked. Which versions they are is asked of them, not written down."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.real.driver import BUILD

#: Docker of this release, and newer ones beside it.
ROOTS = (BUILD / "engine", *sorted((BUILD / "engines").glob("*")))


def programs(name: str) -> list[str]:
    """Every generation of an engine's program, this machine's own last."""
    found = [
        str(p) for root in ROOTS for p in (root / "usr/bin" / name, root / "usr/sbin" / name) if p.is_file()
    ]
    own = shutil.which(name)
    return found or ([own] if own else [])


@functools.cache
def version(program: str) -> tuple[int, ...]:
    """(28, 5, 2) of "Docker version 28.5.2+dfsg4, build ..."."""
    env = {**os.environ, "LD_LIBRARY_PATH": f"{root_of(program)}/usr/lib/x86_64-linux-gnu"}
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, env=env).stdout
    match = re.search(r"\bv?(\d+)\.(\d+)\.(\d+)", said.replace("/v2 ", " "))
    assert match, said
    return tuple(map(int, match.groups()))


def each(name: str) -> list[object]:
    """Parameters for a test that runs with every generation; skipped, with the reason, where there is none."""
    found = programs(name)
    if not found:
        reason = f"no {name}: run scripts/fetch-engine"
        return [pytest.param("", marks=pytest.mark.skip(reason=reason), id=f"no-{name}")]
    # No version in the names: asking for it would start every engine whenever tests are collected.
    return [pytest.param(p, id=root_of(p).name) for p in found]


def apart(name: str) -> list[object]:
    """This release's generation and the one that is furthest from it: for tests that take seconds each."""
    found = each(name)
    return found if len(found) < 2 else [found[0], next((p for p in found if p.id == "sid"), found[-1])]  # type: ignore[attr-defined]


def newest(name: str) -> str:
    """The newest generation: for what does not differ between them. Skips where there is none."""
    found = programs(name)
    if not found:
        pytest.skip(f"no {name}: run scripts/fetch-engine")
    return max(found, key=version)


def root_of(program: str) -> Path:
    """.../usr/bin/x -> ..."""
    return Path(program).parents[2]
