"""image-home-unwritable."""

from __future__ import annotations

from pathlib import Path

from tests.images import NVIDIA_ENV, Meta, causes, finding, healthy, judgement

CAUSE = "image-home-unwritable"


def test_a_home_that_root_owns(tmp_path: Path) -> None:
    found = judgement(tmp_path, [*healthy(), {"/home/app": Meta(mode=0o755, kind="dir")}])
    assert {f.id for f in found.findings} == {CAUSE}
    assert "/home/app" in finding(found, CAUSE).title


def test_a_user_that_nobody_made(tmp_path: Path) -> None:
    """USER 12345 without an entry in /etc/passwd: its HOME is /."""
    assert causes(tmp_path, healthy(), user="12345") == {CAUSE}


def test_a_cache_that_a_variable_names(tmp_path: Path) -> None:
    env = {**NVIDIA_ENV, "TORCH_HOME": "/models"}
    assert causes(tmp_path, healthy(), env) == {CAUSE}
    shared = {"/models": Meta(mode=0o775, gid=1000, kind="dir")}
    assert causes(tmp_path, [*healthy(), shared], env) == set()


def test_a_cache_that_can_be_made_in_the_home_is_well(tmp_path: Path) -> None:
    assert causes(tmp_path, healthy(), {**NVIDIA_ENV, "HF_HOME": "/home/app/.cache/hf"}) == set()
