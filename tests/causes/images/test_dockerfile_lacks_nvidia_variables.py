"""dockerfile-lacks-nvidia-variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-lacks-nvidia-variables"
SET = "ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility\n"
INSTALL = "RUN python3 -m pip install --no-cache-dir torch==2.5.1\n"


@pytest.mark.parametrize("base", ["python:3.12-slim", "ubuntu:24.04", "docker.io/library/debian:12"])
def test_torch_on_a_plain_base(tmp_path: Path, base: str) -> None:
    assert found(tmp_path, f"FROM {base}\n{INSTALL}{END}") == {CAUSE: [1]}


def test_variables_of_a_stage_that_is_only_copied_from(tmp_path: Path) -> None:
    text = f"FROM ubuntu:24.04 AS build\n{SET}{INSTALL}FROM ubuntu:24.04\nCOPY --from=build /opt /opt\n{END}"
    assert found(tmp_path, text) == {CAUSE: [4]}


@pytest.mark.parametrize(
    "text",
    [
        f"FROM ubuntu:24.04\n{SET}{INSTALL}",
        f"FROM ubuntu:24.04 AS base\n{SET}FROM base\n{INSTALL}",
        f"{CUDA}{INSTALL}",
        "FROM ubuntu:24.04\nRUN pip install torch --index-url https://download.pytorch.org/whl/cpu\n",
        "FROM ubuntu:24.04\nRUN pip install torchmetrics-light flask\n",
        f"FROM my/own:1\n{INSTALL}",
    ],
)
def test_set_inherited_or_not_needed(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text + END) == {}
