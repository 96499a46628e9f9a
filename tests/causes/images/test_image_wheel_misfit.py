"""image-wheel-misfit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images import causes, cuda_wheels, debian, finding, judgement, tensorflow, venv

CAUSE = "image-wheel-misfit"


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("cp310-cp310-manylinux_2_17_x86_64", "Python 3.10"),
        ("cp311-cp311-manylinux_2_39_x86_64", "glibc 2.39"),
        ("cp311-cp311-manylinux_2_17_aarch64", "for aarch64"),
        ("cp311-cp311-musllinux_1_2_x86_64", "needs musl"),
    ],
)
def test_a_wheel_that_was_copied_from_elsewhere(tmp_path: Path, tag: str, words: str) -> None:
    found = judgement(tmp_path, [debian(), {**venv(), **tensorflow(tag), **cuda_wheels()}])
    assert {f.id for f in found.findings if f.caused_by is None} == {CAUSE}
    assert words in finding(found, CAUSE).title


@pytest.mark.parametrize(
    "tag",
    [
        "cp39-abi3-manylinux_2_36_x86_64",
        "py3-none-any",
        "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
    ],
)
def test_tags_that_fit(tmp_path: Path, tag: str) -> None:
    assert causes(tmp_path, [debian(), {**venv(), **tensorflow(tag), **cuda_wheels()}]) == set()
