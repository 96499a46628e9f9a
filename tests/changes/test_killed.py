"""Killed before every step that it makes, a change leaves each file old or new, and the next run or `undo` restores all."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.changes.journal import journals
from gpudoctor.changes.restore import recover, undo
from gpudoctor.changes.transaction import apply
from gpudoctor.errors import GpudoctorError
from tests.changes import small

pytestmark = pytest.mark.slow

OURS = ("/home/ann/dotfiles/bashrc", "/etc/ld.so.conf.d/deep/cuda.conf", "/etc/old.conf", "/usr/local/cuda")


def _content(picture: dict[str, tuple[object, ...]], path: str) -> object:
    """Contents or where the link points; None where there is nothing."""
    entry = picture.get(path)
    return None if entry is None else entry[-2] if isinstance(entry[-1], tuple) else entry[-1]


def _killed_everywhere(tmp_path: Path, deed: str) -> Iterator[tuple[int, Path]]:
    """A machine for each step, on which `deed` was killed before that step."""
    steps = ["?"]
    number = 0
    with small.Children() as child:
        while number <= len(steps):
            root = small.machine(tmp_path / f"{number}")
            if deed == "undo":
                apply(small.plan(), small.writer(root))
            code, said = child(root, deed, number)
            if number == 0:
                assert code == 0, said
                steps = said.split()
                assert {"write", "rename", "fsync"} <= set(steps)
            else:
                assert code == -signal.SIGKILL, said
                yield number, root
            shutil.rmtree(root.parent)
            number += 1


def test_a_change_killed_at_any_step_leaves_each_file_old_or_new_and_the_next_run_restores_all(
    tmp_path: Path,
) -> None:
    before = small.picture(small.machine(tmp_path / "before"))
    new = small.machine(tmp_path / "new")
    apply(small.plan(), small.writer(new))
    after = small.without_times(small.picture(new))
    seen = set()
    for number, root in _killed_everywhere(tmp_path, "apply"):
        now = small.picture(root)
        for path in OURS:
            content = _content(now, path)
            assert content in (_content(before, path), _content(after, path)), (number, path)
            seen.add((path, content == _content(after, path)))
        recover(small.writer(root))
        known = journals(small.writer(root))
        if not known or known[-1].state != "done":
            assert small.picture(root) == before, number
        again = apply(
            small.plan(), small.writer(root)
        )  # also sweeps after one that was killed when all was done
        assert again.state == ("unchanged" if known and known[-1].state == "done" else "applied"), number
        assert small.without_times(small.picture(root)) == after, number
    assert seen == {(path, new) for path in OURS for new in (True, False)}  # both were met, for every file


def test_an_undo_killed_at_any_step_is_finished_by_the_next_undo(tmp_path: Path) -> None:
    before = small.picture(small.machine(tmp_path / "before"))
    for number, root in _killed_everywhere(tmp_path, "undo"):
        try:
            undo(small.writer(root))
        except GpudoctorError as error:  # killed when all was done
            assert "no change to take back" in error.what, number
        assert small.picture(root) == before, number
