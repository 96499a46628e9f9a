"""A tree is what its files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.capabilities import compiled, for_gpus, runs_on, tidy
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import trees


class TestDetect:
    def test_a_2_18_tree(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path)))
        assert (value_of(tree.version, ""), value_of(tree.bazel, "")) == ("2.18.1", "6.5.0")
        assert isinstance(tree.cuda, Known) and tree.cuda.value == "hermetic"
        assert tree.rules == f"{trees.TSL}/{trees.HERMETIC}"  # of two copies the one that WORKSPACE loads
        assert [(c.repository, c.cuda) for c in tree.copies] == [
            ("", False),
            ("local_xla", False),
            ("local_tsl", True),
        ]
        assert value_of(tree.cuda_keys, ()) == trees.CUDA_218
        assert value_of(tree.cudnn_keys, ()) == trees.CUDNN_218
        assert value_of(tree.clang_rule, "") == "ends-with-clang"
        assert tree.pythons == ("3.9", "3.10", "3.11", "3.12") and not tree.pywrap
        assert tree.rc_value("cuda", "HERMETIC_CUDA_VERSION") == "12.5.1"
        assert tree.rc_value("cuda_clang", "HERMETIC_CUDA_COMPUTE_CAPABILITIES").endswith("compute_90")
        assert tree.imports[-1] == "%workspace%/.bazelrc.user"
        assert ("developer.download.nvidia.com") in dict(tree.hosts)

    def test_the_version_in_the_name_does_not_matter(self, tmp_path: Path) -> None:
        """A tree of 2.18 whose TSL was replaced by 2.19's builds as 2.19 does."""
        trees.make(tmp_path, "2.18")
        trees._rules(tmp_path, f"{trees.TSL}/{trees.HERMETIC}", "2.19")
        tree = detect(str(tmp_path))
        assert value_of(tree.version, "") == "2.18.1"
        assert value_of(tree.clang_rule, "") == "contains-clang"

    def test_a_2_20_tree_keeps_its_rules_elsewhere(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path, "2.20")))
        assert value_of(tree.cuda, "") == "external" and tree.rules == ""
        assert isinstance(tree.cuda_keys, Unknown) and isinstance(compiled(tree, "sm_86"), Unknown)

    def test_a_2_17_tree_looks_for_an_installed_cuda(self, tmp_path: Path) -> None:
        tree = detect(str(trees.make(tmp_path, "2.17")))
        assert value_of(tree.cuda, "") == "classic"
        assert isinstance(tree.cuda_keys, Absent) and isinstance(tree.clang_rule, Absent)

    @pytest.mark.parametrize("what", ["missing", "empty", "file", "other"])
    def test_what_is_no_tree_is_refused(self, tmp_path: Path, what: str) -> None:
        place = tmp_path / what
        if what != "missing":
            place.mkdir()
        if what == "file":
            place.rmdir()
            place.write_text("")
        if what == "other":
            trees.put(place, "repo.bzl", "def other():\n    pass\n")
        with pytest.raises(GpudoctorError) as error:
            detect(str(place))
        assert "--version" in error.value.hint

    def test_a_folder_that_holds_a_tree_is_none(self, tmp_path: Path) -> None:
        trees.make(tmp_path / "below")
        with pytest.raises(GpudoctorError, match="not a TensorFlow source tree"):
            detect(str(tmp_path))

    def test_files_that_do_not_parse_are_not_understood_and_stop_nothing(self, tmp_path: Path) -> None:
        trees.make(tmp_path)
        trees.put(tmp_path, f"{trees.TSL}/{trees.HERMETIC}/cuda_redist_versions.bzl", "X = {{{\n")
        tree = detect(str(tmp_path))
        assert not isinstance(tree.cuda_keys, Known)


class TestCapabilities:
    """The tree's own function is evaluated."""

    @pytest.mark.parametrize(
        "kind, value, accepted",
        [
            ("2.18", "sm_86", ("sm_86",)),
            ("2.18", "8.0,8.6", ("sm_80", "compute_86")),
            ("2.18", "sm_120", None),
            ("2.19", "sm_120", ("sm_120",)),
            ("2.17", "sm_80,compute_90", ("sm_80", "compute_90")),
            ("2.18", "80", None),
        ],
    )
    def test_what_a_tree_makes_of_a_value(
        self, tmp_path: Path, kind: str, value: str, accepted: tuple[str, ...] | None
    ) -> None:
        found = compiled(detect(str(trees.make(tmp_path, kind))), value)
        assert isinstance(found, Known)
        assert found.value.accepted == (accepted or ())
        assert bool(found.value.refused) is (accepted is None)

    def test_gpus_become_machine_code_and_ptx_of_the_newest(self) -> None:
        assert for_gpus(["8.6"]) == "compute_86"
        assert for_gpus(["10.0", "9.0", "8.6"]) == "sm_86,sm_90,compute_100"
        assert for_gpus([]) == ""

    @pytest.mark.parametrize(
        "code, gpu, how",
        [
            (["sm_80"], "8.6", "same-major"),
            (["sm_86"], "8.6", "exact"),
            (["sm_86"], "8.0", "no"),
            (["sm_80"], "9.0", "no"),
            (["compute_80"], "9.0", "ptx"),
            (["sm_90a"], "9.0", "exact"),
            (["sm_60", "compute_90"], "12.0", "ptx"),
            (["sm_35", "compute_70"], "6.1", "no"),
        ],
    )
    def test_how_a_gpu_runs_it(self, code: list[str], gpu: str, how: str) -> None:
        assert runs_on(code, gpu) == how

    def test_values_that_are_none_are_refused(self) -> None:
        assert tidy(" sm_86, 9.0,") == "sm_86,9.0"
        for wrong in ("", "rtx3050", "sm86x"):
            with pytest.raises(GpudoctorError):
                tidy(wrong)


class TestStarlark:
    @pytest.mark.parametrize(
        "text",
        [
            "import os\ndef f(x):\n    return os\n",
            "def f(x):\n    return x.__class__.__bases__\n",
            "def f(x):\n    while True:\n        pass\n",
            "def f(x):\n    return (lambda: __import__)()\n",
            "def f(x):\n    return open(x)\n",
            "def f(x):\n    return f(x)\n",
            "def f(x):\n    for a in range(10000000):\n        x = a\n    return x\n",
            "def f(x):\n    a = [0]\n    for b in a:\n        a = a + [b]\n    return [y for y in range(190000) for z in range(190000)]\n",
        ],
    )
    def test_a_function_of_a_tree_can_not_reach_out_or_run_for_ever(self, text: str) -> None:
        with pytest.raises((starlark.NotStarlark, starlark.Failed, NameError)):
            starlark.evaluate(starlark.parse(text), "f", ["/etc/passwd"])

    def test_nothing_of_the_file_is_run_but_what_is_called(self, tmp_path: Path) -> None:
        made = starlark.parse(f"def f(x):\n    return x + Y\nY = 2\nopen({str(tmp_path / 'made')!r}, 'w')\n")
        assert starlark.evaluate(made, "f", [1]) == 3
        assert not list(tmp_path.iterdir())


def test_an_rc_file_is_read_option_by_option() -> None:
    text = 'build:a --x=1 --y "two words" # no\n# build:a --z\nbuild --q \\\n  --r=3\ntry-import %workspace%/.u\ncommon --s\n'
    lines, imports = read_rc(text)
    assert [(x.command, x.config, x.option, x.line) for x in lines] == [
        ("build", "a", "--x=1", 1),
        ("build", "a", "--y two words", 1),
        ("build", "", "--q", 3),
        ("build", "", "--r=3", 3),
        ("common", "", "--s", 6),
    ]
    assert imports == ("%workspace%/.u",)
