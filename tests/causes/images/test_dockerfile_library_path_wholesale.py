"""dockerfile-library-path-wholesale."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found, one

CAUSE = "dockerfile-library-path-wholesale"
PLAIN = "FROM debian:12\n"


@pytest.mark.parametrize(
    ("base", "line"),
    [
        (CUDA, "ENV LD_LIBRARY_PATH=/opt/x/lib"),
        (CUDA, "ENV A=b \\\n LD_LIBRARY_PATH=/opt/x/lib:/opt/y"),
        (PLAIN, "ENV LD_LIBRARY_PATH=/opt/x/lib:$LD_LIBRARY_PATH"),
        (PLAIN, "ENV LD_LIBRARY_PATH=/opt/x/lib:"),
        (PLAIN, "ENV LD_LIBRARY_PATH :/opt/x/lib"),
    ],
)
def test_lost_folders_and_empty_elements(tmp_path: Path, base: str, line: str) -> None:
    assert found(tmp_path, f"{base}{line}\n{END}") == {CAUSE: [2]}


@pytest.mark.parametrize(
    ("base", "line"),
    [
        (CUDA, "ENV LD_LIBRARY_PATH=/opt/x/lib:${LD_LIBRARY_PATH}"),
        (CUDA, "ENV LD_LIBRARY_PATH=/opt/x/lib:/usr/local/nvidia/lib:/usr/local/nvidia/lib64"),
        (PLAIN, "ENV LD_LIBRARY_PATH=/opt/x/lib${LD_LIBRARY_PATH:+:${LD_LIBRARY_PATH}}"),
        (PLAIN, "ENV LD_LIBRARY_PATH=/opt/x/lib\nENV LD_LIBRARY_PATH=/opt/y:$LD_LIBRARY_PATH"),
        ("FROM my/base:1\n", "ENV LD_LIBRARY_PATH=/opt/x:$LD_LIBRARY_PATH"),
    ],
)
def test_what_keeps_the_base_is_well(tmp_path: Path, base: str, line: str) -> None:
    assert found(tmp_path, f"{base}{line}\n{END}") == {}


def test_the_line_to_write_keeps_the_users_own_folders(tmp_path: Path) -> None:
    fix = one(tmp_path, f"{CUDA}ENV LD_LIBRARY_PATH=/opt/x/lib\n", CAUSE).fix
    assert fix is not None and fix.commands == ("ENV LD_LIBRARY_PATH=/opt/x/lib:${LD_LIBRARY_PATH}",)
