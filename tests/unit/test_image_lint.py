"""Reading Dockerfiles and compose files, and `image lint` as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.images.linters import others
from gpudoctor.parsers import dockerfile
from gpudoctor.parsers.compose_file import parse as parse_compose
from gpudoctor.workflows.image.lint import lint

CONTINUED = """\
ARG A=1
FROM debian:12 AS Build
RUN --mount=type=cache,target=/c one && \\
    # a comment, and an empty line

    two
COPY <<-"E1" <<E2 /d/
\t$NOT
\tE1
second
E2
env X = y
CMD ["a"]
"""


def test_continued_lines_comments_and_documents_keep_their_lines() -> None:
    stage = dockerfile.parse(CONTINUED).last
    assert (stage.name, stage.base) == ("build", "debian:12")
    assert [i.keyword for i in stage.instructions] == ["RUN", "COPY", "ENV", "CMD"]
    run, copy, env, _ = stage.instructions
    assert [(p.line, p.text) for p in run.pieces] == [(3, "--mount=type=cache,target=/c one &&"), (6, "two")]
    assert run.flags == ("--mount=type=cache,target=/c",) and run.raw == "one && two"
    assert run.line_at(run.text.index("two")) == 6
    assert [(p.line, p.text.strip()) for p in copy.pieces[1:]] == [(8, "$NOT"), (10, "second")]
    assert dict(stage.env) == {"X": "= y"} and env.line == 12


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a$X-${X}", "a1-1"),
        ("${NO:-d}${X:-d}", "d1"),
        ("${X:+:$X}${NO:+:n}", ":1"),
        ("$NO ${NO} \\$X", "$NO ${NO} $X"),
        ("${NO:-${X}}", "1"),
    ],
)
def test_variables(text: str, value: str) -> None:
    assert dockerfile.expand(text, {"X": "1"}) == value


def test_arguments_reach_a_stage_only_where_it_asks_for_them() -> None:
    parsed = dockerfile.parse("ARG V=1\nFROM a:$V AS x\nENV P=$V\nARG V\nENV Q=$V\nFROM x\nENV R=$Q$V\n")
    assert dict(parsed.last.env) == {"P": "$V", "Q": "1", "R": "1$V"}
    assert [s.base for s in parsed.lineage(parsed.last)] == ["x", "a:1"]


def test_a_later_stage_takes_the_arguments_from_before_the_first() -> None:
    parsed = dockerfile.parse("ARG B=x:1\nARG S=one\nFROM $B AS one\nARG B=y\nFROM ${B} AS two\nFROM ${S}\n")
    assert [(s.base, s.of_stage) for s in parsed.stages] == [("x:1", False), ("x:1", False), ("one", True)]


def test_another_escape_and_a_byte_order_mark() -> None:
    parsed = dockerfile.parse("\ufeff# escape=`\r\nFROM a\r\nRUN one `\r\n two\r\n")
    assert parsed.last.instructions[0].raw == "one two"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no FROM"),
        ("# only words\n", "no FROM"),
        ("FROM a\nINSTALL b\n", "line 2: 'INSTALL' is no instruction"),
        ("RUN a\nFROM b\n", "line 1: RUN before the first FROM"),
        ("FROM a\nRUN <<EOF\nx\n", "line 2: the here-document EOF does not end"),
        ("FROM\n", "FROM without an image"),
    ],
)
def test_what_buildkit_would_refuse(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dockerfile.parse(text)


def test_a_shift_in_arithmetic_is_no_document() -> None:
    parsed = dockerfile.parse("FROM a\nRUN echo $((1<<2)) && cat <<<word\nUSER b\n")
    assert [i.keyword for i in parsed.last.instructions] == ["RUN", "USER"]


def test_compose_knows_its_lines() -> None:
    parsed = parse_compose("version: '3'\nservices:\n  a:\n    image: x\n  b: 7\n  c:\n    build: .\n")
    assert [(s.name, s.line) for s in parsed.services] == [("a", 3), ("b", 5), ("c", 6)]
    assert parsed.services[0].lines["image"] == 4 and parsed.services[1].problems


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("Dockerfile", b"FROM a\nNOPE\n", "'NOPE' is no instruction"),
        ("compose.yaml", b"services:\n  a: [\n", "not understood"),
        ("compose.yaml", b"a: 1\n", "no services"),
        ("image.tar", b"\0" * 600, "no Dockerfile and no compose file"),
        ("large", b"#" * (1 << 21), "no Dockerfile"),
    ],
)
def test_broken_files_are_errors_with_their_place(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(GpudoctorError, match=words):
        lint([str(path)], own_only=True)


@pytest.mark.parametrize("name", ["gone", "."])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(GpudoctorError, match="can't be read"):
        lint([str(tmp_path / name)], own_only=True)


def test_a_folder_without_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GpudoctorError, match="no Dockerfile and no compose file here"):
        lint([])


def test_several_files_are_one_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM nvidia/cuda:latest\nUSER app\n")
    (tmp_path / "compose.yaml").write_text("services: {a: {image: nvidia/cuda, gpus: all}}\n")
    found = lint([], own_only=True)
    assert found.files == ("Dockerfile", "compose.yaml") and found.exit_code == 1
    assert [f.subject.name for f in found.judgement.findings] == ["Dockerfile:1", "compose.yaml:1"]


@pytest.mark.parametrize(
    ("text", "strict", "code"),
    [
        ("FROM nvidia/cuda:12.4.1-base-ubuntu22.04\nUSER app\n", False, 0),
        ("FROM nvidia/cuda:12.4.1-base-ubuntu22.04\n", True, 0),  # a note
        ("FROM ubuntu:24.04\nRUN pip install torch\nUSER app\n", False, 0),
        ("FROM ubuntu:24.04\nRUN pip install torch\nUSER app\n", True, 1),
        ("FROM nvidia/cuda:99.0.0-base-ubuntu22.04\nUSER app\n", False, 2),  # newer than the table
    ],
)
def test_exit_codes(tmp_path: Path, text: str, strict: bool, code: int) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    assert lint([str(path)], strict=strict, own_only=True).exit_code == code


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_other_linters_are_asked_and_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the form in which hadolint and buildx answer."""
    row = '[{"line":3,"code":"DL3008","message":"Pin versions","column":1,"file":"f","level":"warning"}]'
    tool(tmp_path, "hadolint", f"echo '{row}'")
    warning = {
        "ruleName": "StageNameCasing",
        "url": "u",
        "detail": "d",
        "location": {"ranges": [{"start": {"line": 2}}]},
    }
    tool(tmp_path, "docker", f"echo '{json.dumps({'warnings': [warning]})}'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    hadolint, buildx = others(("Dockerfile",))
    assert [(m.line, m.code, m.level) for m in hadolint.messages] == [(3, "DL3008", "warning")]
    assert [(m.line, m.code) for m in buildx.messages] == [(2, "StageNameCasing")]


def test_other_linters_that_fail_did_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "docker", "echo 'ERROR: Cannot connect to the Docker daemon' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    hadolint, buildx = others(("Dockerfile",))
    assert (hadolint.ran, buildx.ran) == (False, False)
    assert "not installed" in hadolint.reason and "Cannot connect" in buildx.reason


def test_a_registry_out_of_reach_is_no_fault_of_the_dockerfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As buildx 0.29 answers on a machine without a network."""
    words = "python:3.12: failed to resolve source metadata for docker.io/library/python:3.12: no such host"
    tool(tmp_path, "docker", f"echo '{json.dumps({'buildError': {'message': words}})}'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    buildx = others(("Dockerfile",))[1]
    assert not buildx.ran and buildx.reason == "it could not look up the base image: python:3.12"


def test_the_command(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gpudoctor", "image", "lint", "-", "--format", "json", "--own-rules"]
    ran = subprocess.run(argv, input=b"FROM nvidia/cuda:latest\nUSER a\n", capture_output=True, timeout=60)
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["command"]) == (1, "image lint")
    assert report["image"]["places"] == [{"id": "recipe-tag-unknown", "file": "-", "line": 1}]
