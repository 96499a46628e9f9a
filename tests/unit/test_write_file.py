"""--output names what is there already: a device or a pipe is written to, never replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gpudoctor.cli.output import write_file
from gpudoctor.errors import GpudoctorError


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """Through a link, so that a broken version of this can't harm the machine that it is tested on."""
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    write_file(b"report", str(link), "--output")
    assert link.is_symlink() and stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert os.listdir(tmp_path) == ["null"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "report"
    file.write_text("old")
    write_file(b"new", str(file), "--output")
    assert file.read_text() == "new" and os.listdir(tmp_path) == ["report"]


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(GpudoctorError, match="can't be written"):
        write_file(b"new", str(tmp_path), "--output")
    assert os.listdir(tmp_path) == []
