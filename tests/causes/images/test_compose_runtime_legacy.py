"""compose-runtime-legacy."""

from __future__ import annotations

from pathlib import Path

from tests.recipes import composed

CAUSE = "compose-runtime-legacy"


def test_the_runtime_alone(tmp_path: Path) -> None:
    text = (
        "services:\n  a:\n    image: x\n    runtime: nvidia\n    environment: [NVIDIA_VISIBLE_DEVICES=all]\n"
    )
    assert composed(tmp_path, text) == {CAUSE: [4]}


def test_with_a_request_or_another_runtime(tmp_path: Path) -> None:
    text = "services:\n  a: {image: x, runtime: nvidia, gpus: all}\n  b: {image: x, runtime: runsc}\n"
    assert composed(tmp_path, text) == {}
