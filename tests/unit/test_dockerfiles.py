"""The plain Dockerfiles: complete, readable by our own parser, and without a finding of our own rules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from gpudoctor import knowledge
from gpudoctor.images import recipes
from gpudoctor.parsers import dockerfile
from tests.recipes import judged

FOLDER = Path(__file__).resolve().parents[2] / "dockerfiles"
each = pytest.mark.parametrize("name", recipes.NAMES)


def test_every_folder_is_named() -> None:
    assert sorted(os.listdir(FOLDER)) == sorted(recipes.NAMES)


@each
def test_no_rule_finds_anything(tmp_path: Path, name: str) -> None:
    found = judged(tmp_path, recipes.recipe(name))
    assert [(f.id, f.title) for f in found.findings] == []
    assert {"recipe-tag-unknown", "dockerfile-gpu-at-build", "dockerfile-runs-as-root"} <= set(found.passed)


@each
def test_arguments_alone_choose_and_nothing_is_pulled_for_the_syntax(name: str) -> None:
    parsed = dockerfile.parse(recipes.recipe(name))
    assert "BASE_IMAGE" in parsed.arguments and parsed.syntax == ""
    assert {s.base for s in parsed.stages if not s.of_stage} == {parsed.arguments["BASE_IMAGE"]}
    user = [i.text for i in parsed.last.instructions if i.keyword == "USER"]
    assert user == ["1001:1001"]


@each
def test_steps_are_whole_without_mounts(name: str) -> None:
    plain = dockerfile.parse(recipes.without_mounts(recipes.recipe(name)))
    mounted = dockerfile.parse(recipes.recipe(name))
    for one, other in zip(plain.stages, mounted.stages, strict=True):
        assert [i.raw for i in one.instructions] == [i.raw for i in other.instructions]
        assert all(not i.flags or i.keyword == "COPY" for i in one.instructions)


def test_the_source_of_cuda_is_an_argument() -> None:
    text = recipes.recipe("cuda-base")
    assert dockerfile.parse(text).last.base == "cuda-apt"
    assert dockerfile.parse(recipes.with_defaults(text, {"CUDA_SOURCE": "pip"})).last.base == "cuda-pip"


def test_clang_and_bazel_are_what_a_release_is_built_with() -> None:
    text = recipes.recipe("tf-builder")
    assert re.search(r"^ARG CLANG=17$", text, re.M) and re.search(r"^ARG BAZEL=6\.5\.0$", text, re.M)


@pytest.mark.parametrize("name", ["torch", "smoke"])
def test_torch_is_a_build_that_the_tables_know(name: str) -> None:
    match = re.search(r'^ARG REQUIREMENTS="torch==([\d.]+)\+(cu\d+)"$', recipes.recipe(name), re.M)
    assert match is not None
    row = knowledge.torch_build(match[1], match[2])
    assert row is not None and "3.12" in row.pythons
    assert f'ARG PIP_EXTRA_INDEX_URL="https://download.pytorch.org/whl/{match[2]}"' in recipes.recipe(name)


def test_tensorflow_and_jax_are_builds_that_the_tables_know() -> None:
    tensorflow = re.search(r"tensorflow\[and-cuda\]==([\d.]+)", recipes.recipe("tensorflow"))
    jax = re.search(r"jax\[cuda12\]==([\d.]+)", recipes.recipe("jax"))
    assert tensorflow is not None and jax is not None
    rows = [knowledge.tensorflow_build(tensorflow[1]), knowledge.jax_build("jax-cuda12-plugin", jax[1])]
    assert all(row is not None and row.requires and "3.12" in row.pythons for row in rows)


def test_defaults_and_labels() -> None:
    text = recipes.with_defaults(
        recipes.recipe("torch"), {"REQUIREMENTS": "torch==1 a<=2", "BASE_IMAGE": "x:1"}
    )
    text = recipes.with_label(text, {"a.b": '{"c":1}'})
    parsed = dockerfile.parse(text)
    assert parsed.arguments["BASE_IMAGE"] == "x:1" and 'ARG REQUIREMENTS="torch==1 a<=2"' in text
    label = next(i for i in parsed.last.instructions if i.keyword == "LABEL")
    assert dockerfile.pairs(label.text) == {"a.b": '{"c":1}'}
    with pytest.raises(KeyError):
        recipes.with_defaults(text, {"NO_SUCH": "1"})
