"""`gpudoctor fix` and `undo` as a person uses them: through sudo, on a machine of their own, with real login shells."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests import schemas
from tests.changes import small
from tests.changes.box import ANN, Box, missing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

ID = "toolkit-not-on-path"


def _box(tmp_path: Path, shell: str = "bash") -> Box:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    box = Box(tmp_path, found)
    box.toolkit("/opt/cuda-12.4")
    if shell == "bash":
        (box.home / ".profile").write_text('if [ -n "$BASH_VERSION" ]; then . "$HOME/.bashrc"; fi\n')
        (box.home / ".bashrc").write_text("case $- in *i*) ;; *) return;; esac\n# ann's\n")
    if shell == "zsh":
        (box.home / ".zshrc").write_text("# ann's\n")
    box.own()
    return box


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nvcc_is_found_in_a_new_login_after_the_fix_and_not_after_undo(tmp_path: Path, shell: str) -> None:
    box = _box(tmp_path, shell)
    assert box.login("nvcc --version").returncode != 0
    box.login("true")  # fish makes its own files at its first start
    before = small.picture(box.home)
    code, report = box.fix(ID)
    assert code == 1 and report["changes"]["items"][0]["state"] == "pending"
    assert small.picture(box.home) == before
    code, report = box.fix(ID, "--apply")
    item = report["changes"]["items"][0]
    assert (code, item["state"], item["recheck"], item["journal"]) == (0, "applied", "mended", "1")
    ran = box.login("nvcc --version")
    assert ran.returncode == 0 and "release 12.4" in ran.stdout
    assert box.fix(ID)[0] == 0  # nothing is left to do
    assert box.doctor("undo").returncode == 0
    assert box.login("nvcc --version").returncode != 0
    after = small.picture(box.home)
    assert {p: s for p, s in after.items() if "fish" not in p and "/.local" not in p} == {
        p: s for p, s in before.items() if "fish" not in p and "/.local" not in p
    }
    assert not (box.home / ".config/fish/conf.d/gpudoctor.fish").exists()


def test_under_sudo_the_files_stay_the_users(tmp_path: Path) -> None:
    box = _box(tmp_path)
    (box.home / ".bashrc").chmod(0o600)
    assert box.fix(ID, "--apply")[0] == 0
    info = (box.home / ".bashrc").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (ANN, ANN, 0o600)
    (box.home / ".bashrc").unlink()
    (box.home / ".profile").unlink()
    assert box.fix(ID, "--apply")[0] == 0
    assert {(box.home / name).stat().st_uid for name in (".bashrc", ".profile")} == {ANN}


def test_a_dotfile_that_is_a_link_is_edited_where_it_lies_and_that_is_said(tmp_path: Path) -> None:
    box = _box(tmp_path)
    (box.home / "dotfiles").mkdir()
    (box.home / ".bashrc").rename(box.home / "dotfiles/bashrc")
    (box.home / ".bashrc").symlink_to("dotfiles/bashrc")
    box.own()
    code, report = box.fix(ID, "--apply")
    assert code == 0 and (box.home / ".bashrc").is_symlink()
    assert (
        "/home/ann/.bashrc is a link: /home/ann/dotfiles/bashrc was edited"
        in report["changes"]["items"][0]["notes"]
    )
    assert "gpudoctor: toolkit" in (box.home / "dotfiles/bashrc").read_text()


def test_a_login_that_sets_path_anew_after_the_block_is_found_out_and_rolled_back(tmp_path: Path) -> None:
    box = _box(tmp_path)
    with open(box.home / ".bashrc", "a") as file:
        file.write("export PATH=/usr/bin:/bin\n")
    before = small.picture(box.home)
    code, report = box.fix(ID, "--apply")
    item = report["changes"]["items"][0]
    assert (code, item["state"]) == (1, "rolled-back")
    assert "a new login shell runs nvcc" in item["why"]
    assert small.picture(box.home) == before


def test_a_login_shell_that_does_not_come_up_is_an_error_in_four_parts(tmp_path: Path) -> None:
    box = _box(tmp_path)
    (box.home / ".bashrc").write_text("exit 3\n")
    ran = box.doctor("fix", ID)
    assert ran.returncode == 2 and "does not come up" in ran.stderr and "Traceback" not in ran.stderr


def test_undo_refuses_a_file_that_was_changed_since_and_shows_it(tmp_path: Path) -> None:
    box = _box(tmp_path)
    box.fix(ID, "--apply")
    with open(box.home / ".bashrc", "a") as file:
        file.write("alias mine=yes\n")
    ran = box.doctor("undo")
    assert ran.returncode == 2
    assert "/home/ann/.bashrc was changed since change 1" in ran.stderr and "alias mine=yes" in ran.stderr
    ran = box.doctor("undo", "1", "--leave")
    assert ran.returncode == 0 and "left as it is" in ran.stdout
    assert "alias mine=yes" in (box.home / ".bashrc").read_text()


def test_an_unsafe_change_needs_consent(tmp_path: Path) -> None:
    box = _box(tmp_path)
    with open(box.home / ".bashrc", "a") as file:
        file.write("export CUDA_HOME=/opt/cuda-9.0\n")
    code, report = box.fix("cuda-home-missing", "--apply")
    assert (code, report["changes"]["items"][0]["state"]) == (1, "declined")
    code, report = box.fix("cuda-home-missing", "--apply", "--yes")
    assert (code, report["changes"]["items"][0]["recheck"]) == (0, "mended")
    assert "CUDA_HOME=/opt/cuda-12.4" in (box.home / ".bashrc").read_text()


def test_the_reports_are_as_their_schemas_say(tmp_path: Path) -> None:
    box = _box(tmp_path)
    assert box.fix()[1]["schema"] == "gpudoctor-fix/1"
    assert box.fix(ID, "--apply")[1]["changes"]["items"][0]["state"] == "applied"
    for words, state in ((("--list",), None), ((), "undone"), ((), "refused"), (("--list",), None)):
        ran = box.doctor("undo", *words, "--format", "json")
        report = schemas.report(ran.stdout)
        if state == "refused":
            assert ran.returncode == 2 and report["schema"] == "gpudoctor-error/1"
        else:
            assert (report["changes"]["taken_back"] or {}).get("state") == state
    assert box.fix(ID, "--apply")[0] == 0
    forgotten = schemas.report(box.doctor("undo", "2", "--forget", "--format", "json").stdout)
    assert forgotten["changes"]["taken_back"]["state"] == "forgotten"


def test_names_that_do_not_exist_are_told(tmp_path: Path) -> None:
    box = _box(tmp_path)
    ran = box.doctor("fix", "toolkit-not-on-pth")
    assert ran.returncode == 2 and "did you mean toolkit-not-on-path" in ran.stderr
    ran = box.doctor("undo", "77")
    assert ran.returncode == 2 and "there is no change '77'" in ran.stderr
    assert os.listdir(box.place / "state") in ([], ["lock"])


def test_another_root_is_mended_in_its_files_only(tmp_path: Path) -> None:
    """A stub folder in the loader's configuration of an image: the line goes, ldconfig is listed as not run."""
    from tests.sysroot import build
    from tests.toolkits import files

    root = tmp_path / "image"
    build(root, dict(files("/usr/local/cuda-12.4", "12.4.131")))
    build(
        root,
        {
            "/etc/os-release": 'ID=ubuntu\nVERSION_ID="22.04"\n',
            "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
            "/etc/ld.so.conf.d/stubs.conf": "/usr/local/cuda-12.4/lib64/stubs\n",
            "/usr/sbin/ldconfig": "",
        },
    )
    box = _box(tmp_path / "box")
    before = small.picture(root)
    code, report = box.fix("libcuda-stub-on-path", "--root", str(root), "--apply", "--yes")
    items = report["changes"]["items"]
    assert items, report["skipped"]
    assert (items[0]["state"], items[0]["not_run"]) == ("applied", ["/usr/sbin/ldconfig"])
    assert not (root / "etc/ld.so.conf.d/stubs.conf").exists()
    assert items[0]["recheck"] == "mended" and code == 0
    assert box.doctor("undo").returncode == 0
    assert small.picture(root) == before
