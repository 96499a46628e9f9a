"""Another root: links stay inside, nothing runs, a running kernel's folders are not mistaken for the image's."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.system.port import NotHere, look
from gpudoctor.system.root import Root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "os-release").write_text("ID=debian\n")
    return tmp_path


def test_absolute_and_climbing_links_stay_inside(root: Path) -> None:
    (root / "abs").symlink_to("/etc/os-release")
    (root / "climb").symlink_to("../../../../etc/os-release")
    (root / "out").symlink_to("/etc/hostname-that-only-this-machine-has")
    assert look(Root(str(root)), "/abs") == Known("ID=debian", "/abs")
    assert look(Root(str(root)), "/climb") == Known("ID=debian", "/climb")
    assert look(Root(str(root)), "/out") == Absent("/out")
    assert Root(str(root)).realpath("/climb") == "/etc/os-release"


def test_etc_that_is_a_link_to_the_top_and_loops(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    port = Root(str(tmp_path))
    assert look(port, "/etc/etc/etc/os-release") == Absent("/etc/etc/etc/os-release")
    assert isinstance(look(port, "/a"), Unknown)
    assert port.realpath("/a/x") == "/a/x"


def test_an_images_empty_proc_is_not_known(root: Path) -> None:
    (root / "proc").mkdir()
    observed = look(Root(str(root)), "/proc/driver/nvidia/version")
    assert isinstance(observed, Unknown) and "/proc" in observed.reason


def test_a_recorded_proc_answers(root: Path) -> None:
    (root / "proc").mkdir()
    (root / "proc" / "version").write_text("Linux version 6.8.0\n")
    assert look(Root(str(root)), "/proc/version") == Known("Linux version 6.8.0", "/proc/version")
    assert look(Root(str(root)), "/proc/driver/nvidia/version") == Absent("/proc/driver/nvidia/version")


def test_nothing_is_run_and_no_device_opened(root: Path) -> None:
    port = Root(str(root))
    with pytest.raises(NotHere):
        port.run(["/bin/true"], 1)
    with pytest.raises(NotHere):
        port.try_open("/dev/nvidia0")


def test_a_root_that_is_no_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(GpudoctorError, match="not a folder"):
        Root(str(tmp_path / "none"))
