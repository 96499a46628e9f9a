"""dockerfile-runs-as-root."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, found

CAUSE = "dockerfile-runs-as-root"


@pytest.mark.parametrize(
    ("text", "line"),
    [(CUDA, 1), (f"{CUDA}USER app\nUSER root\n", 3), (f"FROM debian:12 AS a\nUSER app\n{CUDA}", 3)],
)
def test_root_in_the_end(tmp_path: Path, text: str, line: int) -> None:
    assert found(tmp_path, text) == {CAUSE: [line]}


@pytest.mark.parametrize(
    "text", [f"{CUDA}USER 1000:1000\n", "FROM debian:12 AS a\nUSER app\nFROM a\n", "FROM my/own:1\n"]
)
def test_a_user_or_a_base_that_may_have_one(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == {}
