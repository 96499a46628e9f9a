"""dockerfile-devel-last-stage."""

from __future__ import annotations

from pathlib import Path

from tests.recipes import END, found

CAUSE = "dockerfile-devel-last-stage"


def test_what_is_shipped_stands_on_devel(tmp_path: Path) -> None:
    assert found(tmp_path, f"FROM nvidia/cuda:12.4.1-devel-ubuntu22.04\n{END}") == {CAUSE: [1]}
    text = f"FROM nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04 AS b\nFROM b AS run\n{END}"
    assert found(tmp_path, text) == {CAUSE: [2]}


def test_compiled_in_one_stage_and_shipped_in_another(tmp_path: Path) -> None:
    text = "FROM nvidia/cuda:12.4.1-devel-ubuntu22.04 AS build\nFROM nvidia/cuda:12.4.1-runtime-ubuntu22.04\n"
    assert found(tmp_path, f"{text}COPY --from=build /x /x\n{END}") == {}
