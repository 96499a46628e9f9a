"""Patches: recognised by shape, verified by evaluating, idempotent, refused where the shape differs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gpudoctor.changes.plan import Plan
from gpudoctor.errors import GpudoctorError
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.patching import diff, plan
from gpudoctor.tfbuild.patching.pages import NAMES, load, pages
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import trees

NVIDIA = "https://developer.download.nvidia.com/a.json"
GITHUB = "https://github.com/a/b.tar.gz"


def write(made: Plan) -> None:
    for change in made.files:
        Path(change.path).write_bytes(change.after or b"")


def names(made: Plan, root: Path) -> list[str]:
    return [str(Path(f.path).relative_to(root)) for f in made.files]


class TestApplied:
    @pytest.mark.parametrize("kind", list(trees.KINDS))
    def test_twice_is_once_in_every_tree(self, tmp_path: Path, kind: str) -> None:
        tree = detect(str(trees.make(tmp_path, kind)))
        write(plan(tree, NAMES))
        after = trees.snapshot(tmp_path)
        again = plan(detect(str(tmp_path)), NAMES)
        assert again.files == ()
        assert trees.snapshot(tmp_path) == after

    def test_mirrors_reach_every_copy_and_nvidia_alone(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path)))
        made = plan(tree, ["mirrors"])
        assert names(made, tmp_path) == [c.path for c in tree.copies]
        write(made)
        for copy in tree.copies:
            module = starlark.parse((tmp_path / copy.path).read_text())
            assert starlark.evaluate(module, "tf_mirror_urls", [NVIDIA]) == [NVIDIA]
            assert len(starlark.evaluate(module, "tf_mirror_urls", [GITHUB])) == 2

    def test_clang_path_in_a_2_18_tree_only(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path / "old")))
        write(plan(tree, ["clang-path"]))
        text = (tmp_path / "old" / tree.rules / "cuda_configure.bzl").read_text()
        assert text.count("# gpudoctor: clang-path") == 2 and 'endswith("clang")' not in text
        newer = plan(detect(str(trees.make(tmp_path / "new", "2.19"))), ["clang-path"])
        assert newer.files == () and "nothing in this tree" in newer.notes[0]

    def test_capabilities_leaves_every_other_option(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path)))
        before, _ = read_rc((tmp_path / ".bazelrc").read_text())
        write(plan(tree, ["capabilities"]))
        after, _ = read_rc((tmp_path / ".bazelrc").read_text())
        gone = [x for x in before if x.option not in {y.option for y in after}]
        assert [x.config for x in gone] == ["cuda_clang"] and "CAPABILITIES" in gone[0].option
        assert len(after) == len(before) - 1

    def test_files_keep_their_line_endings_and_bytes(self, tmp_path: Path) -> None:
        trees.make(tmp_path)
        path = tmp_path / "third_party/repo.bzl"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").replace(b"origin", b"\xe9rigin"))
        write(plan(detect(str(tmp_path)), ["mirrors"]))
        after = path.read_bytes()
        assert b"\xe9rigin" in after and after.count(b"\n") == after.count(b"\r\n")

    def test_the_exported_diff_is_an_ordinary_one(self, tmp_path: Path) -> None:
        if shutil.which("patch") is None:
            pytest.skip("no patch program here")
        trees.make(tmp_path / "a")
        trees.make(tmp_path / "b")
        tree = detect(str(tmp_path / "a"))
        made = plan(tree, NAMES)
        (tmp_path / "all.patch").write_text(diff(made, tree.path))
        subprocess.run(
            ["patch", "-p1", "-s", "-i", "../all.patch"], cwd=tmp_path / "b", check=True, timeout=20
        )
        write(made)
        assert trees.snapshot(tmp_path / "a") == trees.snapshot(tmp_path / "b")


class TestRefused:
    """Another shape is refused with what differs; nothing of the whole set is changed then."""

    @pytest.mark.parametrize(
        "old, new, words",
        [
            ("def tf_mirror_urls(url):", "def tf_mirror_urls(url, more = []):", "parameter"),
            ("    return [\n", "    url = url.strip()\n    return [\n", "made of"),
            ("        url,\n    ]\n", "    ]\n", "fewer than 2"),
            ('if not url.startswith("https://"):', "if url in BLOCKED:", "could not be evaluated"),
            ("    if not url", "# gpudoctor: begin mirrors\n    if not url", "damaged"),
            ('"""The copy', '"""The copy (((', ""),
        ],
    )
    def test_another_tf_mirror_urls(self, tmp_path: Path, old: str, new: str, words: str) -> None:
        trees.make(tmp_path)
        path = tmp_path / "third_party/xla/third_party/repo.bzl"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        before = trees.snapshot(tmp_path)
        if not words:  # words in a docstring are no shape
            assert len(plan(detect(str(tmp_path)), ["mirrors"]).files) == 3
            return
        with pytest.raises(GpudoctorError) as error:
            plan(detect(str(tmp_path)), ["mirrors"])
        assert words in error.value.context and "xla/third_party/repo.bzl" in error.value.what
        assert "outside" in error.value.hint
        assert trees.snapshot(tmp_path) == before

    def test_an_edited_block_of_ours(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path)))
        write(plan(tree, ["mirrors"]))
        path = tmp_path / "third_party/repo.bzl"
        path.write_text(path.read_text().replace("developer.download.nvidia.com/", "elsewhere.example/"))
        with pytest.raises(GpudoctorError, match="mirrors does not fit"):
            plan(detect(str(tmp_path)), ["mirrors"])

    def test_the_loop_of_lib64_has_another_step(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path)))
        path = tmp_path / tree.rules / "cuda_redist_init_repositories.bzl"
        path.write_text(
            path.read_text().replace("        ctx.symlink(", "        x = 1\n        ctx.symlink(")
        )
        with pytest.raises(GpudoctorError) as error:
            plan(tree, ["lib64"])
        assert "loop is made of" in error.value.context

    def test_a_link_that_leaves_the_tree(self, tmp_path: Path) -> None:
        trees.make(tmp_path / "tree")
        inside = tmp_path / "tree/third_party/repo.bzl"
        shutil.move(inside, tmp_path / "elsewhere.bzl")
        inside.symlink_to("../../elsewhere.bzl")
        with pytest.raises(GpudoctorError, match="leaves the tree"):
            plan(detect(str(tmp_path / "tree")), ["mirrors"])

    def test_a_patch_that_is_none(self) -> None:
        with pytest.raises(GpudoctorError, match="no patch 'rules_python'"):
            load("rules_python")


def test_every_patch_says_what_it_is() -> None:
    for patch in pages():
        assert all(getattr(patch, field) for field in patch.record_fields)
        assert patch.better.split(" ")[0] in ("--method", "the", "--clang")
