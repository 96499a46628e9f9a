"""On real trees: set GPUDOCTOR_TF_TREE to one, or to several with ":" between. Nothing is written into them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.system.writer import Writer
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.capabilities import compiled, rule_file
from gpudoctor.tfbuild.patching import candidates, plan
from gpudoctor.tfbuild.patching.pages import NAMES, load
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import trees
from tests.tfbuild.test_patching import GITHUB, NVIDIA, write

TREES = [t for t in os.environ.get("GPUDOCTOR_TF_TREE", "").split(":") if t]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TREES, reason="GPUDOCTOR_TF_TREE names no TensorFlow source tree"),
]


@pytest.fixture(params=TREES or ["none"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files that matter of a real tree: all that the tool reads or may write."""
    source = detect(request.param)
    wanted = {p for name in NAMES for p in candidates(source, load(name))}
    shutil.copytree(
        request.param,
        tmp_path / "tree",
        symlinks=True,
        ignore=lambda folder, names: [
            n
            for n in names
            if os.path.isfile(os.path.join(folder, n))
            and os.path.relpath(os.path.join(folder, n), request.param) not in wanted
            and not n.endswith((".bzl", ".h", ".py", "WORKSPACE", ".bazelversion", ".txt"))
        ],
    )
    return tmp_path / "tree"


def test_patches_fit_and_twice_is_once(copy: Path) -> None:
    tree = detect(str(copy))
    made = plan(tree, NAMES)
    assert made.files
    write(made)
    after = trees.snapshot(copy)
    assert plan(detect(str(copy)), NAMES).files == ()
    for change in made.files:
        if change.path.endswith(".bzl"):
            starlark.parse(Path(change.path).read_text())
    for one in tree.copies:
        module = starlark.parse((copy / one.path).read_text())
        assert starlark.evaluate(module, "tf_mirror_urls", [NVIDIA]) == [NVIDIA]
        assert len(starlark.evaluate(module, "tf_mirror_urls", [GITHUB])) == 2
    assert trees.snapshot(copy) == after


def test_applied_and_taken_back_is_the_tree_as_it_was(copy: Path, tmp_path: Path) -> None:
    before = trees.snapshot(copy)
    writer = Writer(state=str(tmp_path / "state"))
    outcome = apply(plan(detect(str(copy)), NAMES), writer)
    assert outcome.state == "applied" and trees.snapshot(copy) != before
    assert undo(writer, outcome.id).state == "undone"
    assert trees.snapshot(copy) == before


def test_the_tree_tells_what_it_accepts(copy: Path) -> None:
    tree = detect(str(copy))
    assert isinstance(tree.cuda, Known) and tree.copies
    if tree.cuda.value == "hermetic":
        assert value_of(tree.cuda_keys, ()) and value_of(tree.clang_rule, "")
    found = compiled(tree, "sm_80,sm_90")
    assert isinstance(found, Known) and found.value.accepted == ("sm_80", "sm_90")
    refused = compiled(tree, "sm80")
    assert isinstance(refused, Known) and refused.value.refused


VALUES = (
    "sm_80",
    "8.0",
    "8.0,8.6",
    "8.0,sm_86",
    "3.5,7.0",
    "sm_90a",
    "sm_120",
    "sm_100a",
    "12.0",
    "80",
    "sm80",
    "sm_8.6",
    "sm_80, sm_86",
)


def test_real_bazel_says_the_same_of_capabilities(copy: Path, tmp_path: Path) -> None:
    """The tree's function in Bazel 4.2.3, with what it asks its environment for put in the place of that."""
    import ast

    from tests.tfbuild.test_real_bazel import Workspace, need

    tree = detect(str(copy))
    text = (copy / rule_file(tree)).read_text()
    own = starlark.functions(starlark.parse(text))
    name = "_compute_capabilities" if "_compute_capabilities" in own else "compute_capabilities"
    workspace = Workspace(tmp_path, need("bin/bazel-4"))
    source = ast.get_source_segment(text, own[name])
    assert source is not None
    asked = "def get_host_environ(ctx, name, default = None):\n    return ctx\n\n"
    asked += "def _auto_configure_fail(words):\n    fail(words)\n\ndef auto_configure_fail(words):\n    fail(words)\n\n"
    asked += '_HERMETIC_CUDA_COMPUTE_CAPABILITIES = ""\n_TF_CUDA_COMPUTE_CAPABILITIES = ""\n\n'
    trees.put(
        workspace.folder,
        "rule.bzl",
        f'{asked}{source}\n\ndef tell(value):\n    print("TOLD " + ",".join({name}(value)))\n',
    )
    wrong = []
    for value in VALUES:
        trees.put(workspace.folder, "WORKSPACE", f'load("//:rule.bzl", "tell")\ntell("{value}")\n')
        said = workspace.run("query", "//:BUILD", code=None)
        told = [
            line.partition("TOLD ")[2].strip()
            for line in said.splitlines()
            if line.startswith("DEBUG") and "TOLD " in line
        ]
        found = compiled(tree, value)
        assert isinstance(found, Known), found
        if (",".join(found.value.accepted) or None) != (told[0] if told else None):
            wrong.append((value, found.value, said))
        if not told:
            assert "Invalid compute capability" in said
    workspace.run("shutdown", code=None)
    assert not wrong
