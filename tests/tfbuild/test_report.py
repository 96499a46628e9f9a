"""What build-tf and its subcommands print for machines follows the published schemas."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gpudoctor.codec import to_json
from gpudoctor.findings import Evidence, Finding, Fix, Subject
from gpudoctor.report import build_tf as report
from gpudoctor.report.model import Report
from gpudoctor.report.style import Style
from gpudoctor.tfbuild.patching.pages import pages
from gpudoctor.tfbuild.preflight.model import Row
from gpudoctor.tfbuild.ran import Ran
from gpudoctor.tfbuild.state import WRITING, Saved, Stage, State
from gpudoctor.tfbuild.tree import detect
from gpudoctor.workflows.build_tf import export_patch
from tests.tfbuild import trees

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
DONE = Stage(
    "configure", "done", "0f", 1.0, 2.5, "configured for sm_86", "/w/logs/configure.log", "", {"a": "b"}
)
FAILED = Stage(
    "build", "failed", "1f", 3.0, 9000.0, "bazel ended", "/w/logs/build.log", "build-killed-for-memory"
)


@pytest.fixture
def ran(tmp_path: Path) -> Ran:
    tree = detect(str(trees.make(tmp_path)))
    finding = Finding(
        "build-killed-for-memory", "failure", "build: bazel ended", Subject("file", tree.path, tree.path),
        (Evidence("log", "/w/logs/build.log"),), "it hurts", Fix("--jobs 2", id="build-killed-for-memory"), None, ("https://a.example",),
    )  # fmt: skip
    rows = (
        Row(
            "clang",
            "warning",
            "clang 16",
            "/usr/bin/clang-16",
            "apt install clang-17",
            "tf-build-wrong-compiler",
        ),
    )
    return Ran(tree, "/w", (DONE, FAILED), rows, "build", "--jobs 2", (finding,))


def follows(made: Report, name: str) -> None:
    published = json.loads((SCHEMAS / name).read_text())
    told = json.loads(to_json(made))
    jsonschema.Draft202012Validator(published).validate(told)
    assert told["schema"] == f"gpudoctor-{name.removesuffix('-1.json')}/1"


def test_a_build_that_failed(ran: Ran) -> None:
    follows(report.build_report(ran), "build-tf-1.json")
    text = report.render_rows(ran.rows, Style(), False) + report.render_end(ran, Style())
    assert "apt install clang-17" in text and "gpudoctor explain build-killed-for-memory" in text


def test_a_dry_run(ran: Ran) -> None:
    made = ran.replace(stages=(), failed="", findings=(), lines=(("view", ("make /w/cuda_view",)),), dry=True)
    follows(report.build_report(made), "build-tf-1.json")


def test_status(ran: Ran) -> None:
    saved = (Saved("/tf/.tf_configure.bazelrc", "", WRITING),)
    state = State("/tf", (DONE, FAILED.replace(state="running")), ("3",), saved, {"/venv": "2.17.0"})
    follows(report.status_report("/w", state, False), "build-tf-1.json")
    text = report.render_status("/w", state, False, Style())
    assert "interrupted" in text and "before it in /venv: TensorFlow 2.17.0" in text


def test_revert_and_patch(ran: Ran) -> None:
    follows(report.revert_report("/tf", True, ("would remove /tf/.bazelrc.user",)), "build-tf-revert-1.json")
    diff = export_patch(ran.tree.path, ["mirrors"])
    follows(report.patch_report(ran.tree.path, pages(), diff), "build-tf-patch-1.json")
