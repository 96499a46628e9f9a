"""recipe-tag-unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import END, composed, found, one

CAUSE = "recipe-tag-unknown"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM nvidia/cuda:latest\n", 1),
        ("FROM nvidia/cuda\n", 1),
        ("ARG V=12.4.1\nARG C=cudnn8\nFROM nvidia/cuda:${V}-${C}-runtime-ubuntu22.04\n", 3),
        ("FROM debian:12\nCOPY --from=docker.io/nvidia/cuda:12.4-base /usr /usr\n", 2),
        ("FROM debian:12\nRUN --mount=type=bind,from=nvidia/cuda:12.4-base,target=/c true\n", 2),
    ],
)
def test_a_tag_that_never_was(tmp_path: Path, text: str, line: int) -> None:
    assert found(tmp_path, text + END) == {CAUSE: [line]}


def test_a_services_image(tmp_path: Path) -> None:
    text = "services:\n  a:\n    gpus: all\n    image: nvidia/cuda:${CUDA:-12.4.1}-cudnn8-devel-ubuntu22.04\n"
    assert composed(tmp_path, text) == {CAUSE: [4]}
    fix = one(tmp_path, text, CAUSE, "compose.yaml").fix
    assert fix is not None and fix.summary == "Use nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04"


@pytest.mark.parametrize(
    "base",
    [
        "nvidia/cuda:12.4.1-base-ubuntu22.04",
        "nvidia/cuda:12.4.1-base-ubuntu22.04@sha256:00ff",
        "nvidia/cuda@sha256:00ff",
        "nvidia/cudagl:11.4.2-base",
        "${BASE}",
        "my.registry/nvidia/cuda:mine",
    ],
)
def test_a_tag_that_is_there_or_not_ours_to_know(tmp_path: Path, base: str) -> None:
    assert CAUSE not in found(tmp_path, f"FROM {base}\n{END}")
