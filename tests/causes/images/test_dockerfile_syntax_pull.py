"""dockerfile-syntax-pull."""

from __future__ import annotations

from pathlib import Path

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-syntax-pull"


def test_a_frontend_is_pulled(tmp_path: Path) -> None:
    assert found(tmp_path, f"# escape=\\\n#syntax = docker/dockerfile:1.4\n{CUDA}{END}") == {CAUSE: [2]}


def test_labs_has_to_be_and_a_comment_further_down_says_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, f"# syntax=docker/dockerfile:1-labs\n{CUDA}{END}") == {}
    assert found(tmp_path, f"{CUDA}# syntax=docker/dockerfile:1\n{END}") == {}
