"""Preflight rows: a machine made of stub programs, one thing wrong at a time, and its healthy twin."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.knowledge.mirrors import profile
from gpudoctor.knowledge.tfbuild import tf_archive, tf_build, tf_image
from gpudoctor.system.live import Live
from gpudoctor.tfbuild import preflight
from gpudoctor.tfbuild.preflight import machine as machine_rows
from gpudoctor.tfbuild.preflight import programs as program_rows
from gpudoctor.tfbuild.preflight.model import Look, Row
from gpudoctor.tfbuild.request import Machine, Request, jobs_for
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import stubs, trees

BOX = Machine(("8.6",), True, 8, 64 << 30)


class Desk:
    """A tree of 2.18, the programs that it needs, a machine with an RTX 3050. `look(**request)` and its rows."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = stubs.configurable(root / "tf")
        self.bin = stubs.programs(root / "bin")
        trees.put(self.bin, "python3", "#!/bin/sh\necho 3.11\n", 0o755)
        trees.put(
            self.bin, "ptxas", "#!/bin/sh\necho 'Cuda compilation tools, release 12.5, V12.5.82'\n", 0o755
        )
        self.env = {
            "PATH": f"{self.bin}", "HOME": str(root), "STUB_CXX": str(trees.put(root, "c++/12/memory", "").parent),
        }  # fmt: skip
        self.machine = BOX

    def rows(self, *names: str, **request: Any) -> dict[str, list[Row]]:
        asked = Request(str(self.tree), clang=str(self.bin / "clang"), **request)
        tree = detect(asked.source)
        look = Look(
            tree,
            asked,
            self.machine,
            profile("none"),
            tf_build("2.18.1"),
            Live(60.0, self.env),
            str(self.root / "work"),
        )
        chosen = [(n, f) for n, f in preflight.ROWS if n in names]
        return {name: list(function(look)) for name, function in chosen}

    def row(self, name: str, **request: Any) -> Row:
        return self.rows(name, **request)[name][-1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    monkeypatch.setattr(program_rows, "EMPTIED_PATH", str(made.bin))
    monkeypatch.setattr(machine_rows, "reach", lambda host, timeout=0: "")
    monkeypatch.setattr(machine_rows, "TOO_LITTLE", 0)
    monkeypatch.setattr(machine_rows, "ENOUGH", 0)
    return made


def test_a_healthy_desk_has_nothing_but_the_first_build_warning(desk: Desk) -> None:
    rows = [r for found in desk.rows(*(n for n, _ in preflight.ROWS)).values() for r in found]
    assert [(r.id, r.title) for r in rows if r.level not in ("ok", "not-needed")] == [
        ("version", "nobody has reported a whole build of TensorFlow 2.18.1 with this tool")
    ]


def _without(name: str) -> Callable[[Desk], None]:
    return lambda desk: (desk.bin / name).unlink()


def _env(**values: str) -> Callable[[Desk], None]:
    return lambda desk: desk.env.update(values)


ILL: list[tuple[str, str, Callable[[Desk], Any], dict[str, Any], str, str]] = [
    ("no bazel", "bazel", _without("bazel"), {}, "failure", "no bazel"),
    ("another bazel", "bazel", _env(STUB_BAZEL_VERSION="8.0.0"), {}, "failure", "8.0.0 where .bazelversion says 6.5.0"),
    ("no zip", "programs", _without("zip"), {}, "failure", "zip not on PATH"),
    ("no patchelf in /usr/bin", "patchelf", _without("patchelf"), {}, "failure", "very last step"),
    ("clang 16", "clang", _env(STUB_CLANG="16"), {}, "warning", "clang 16 where the release is tested with 17"),
    ("clang 18", "clang", _env(STUB_CLANG="18"), {}, "ok", "released wheels were built"),
    ("lld of another major", "lld", _env(STUB_CLANG="18"), {}, "warning", "lld 17 beside clang 18"),
    ("no headers", "gcc-selected", _env(STUB_CXX="/nowhere/c++/13"), {}, "failure", "clang selects GCC 12"),
    ("memory does not compile", "cxx-headers", _env(STUB_NO_HEADERS="1"), {}, "failure", "#include <memory>"),
    ("libc++ by flag", "libcxx", _env(CXXFLAGS="-stdlib=libc++"), {}, "warning", "uses libc++"),
    ("a Python that the tree lacks", "python", lambda d: None, {"python": "3.13"}, "failure", "no lock file for Python 3.13"),
    ("the system as a venv", "python", lambda d: None, {"venv": "/nowhere"}, "failure", "no Python environment"),
    ("12.4 is no key", "cuda-version", lambda d: None, {"cuda": "12.4"}, "failure", "none that the tree can download"),
    ("cuDNN 9.10.2 is no key", "cudnn-version", lambda d: None, {"cudnn": "9.10.2"}, "failure", "none that the tree can download"),
    ("sm_120", "capabilities", lambda d: None, {"capabilities": "sm_120"}, "failure", "refuses the capabilities sm_120"),
    ("sm_35 with CUDA 12", "capabilities", lambda d: None, {"capabilities": "sm_35,compute_70"}, "failure", "does not compile for sm_35"),
    ("no PTX", "capabilities", lambda d: None, {"capabilities": "sm_86"}, "warning", "no PTX"),
    ("the GPU is left out", "gpus", lambda d: None, {"capabilities": "sm_90"}, "failure", "would not run on the GPU here (8.6)"),
    ("code of the family", "gpus", lambda d: None, {"capabilities": "sm_80"}, "ok", "machine code of its family"),
    ("no GPU to ask", "gpus", lambda d: setattr(d, "machine", Machine((), False, 8, 64 << 30)), {}, "unknown", "could not be read"),
    ("no GPU, auto", "capabilities", lambda d: setattr(d, "machine", Machine((), True, 8, 64 << 30)), {}, "failure", "no GPU here"),
    ("too many jobs", "memory", lambda d: setattr(d, "machine", Machine(("8.6",), True, 16, 12 << 30)), {"jobs": "16"}, "warning", "16 jobs"),
    ("a variable of configure's", "environment", _env(TF_NEED_ROCM="1"), {}, "warning", "TF_NEED_ROCM set here"),
    ("another tool's variable", "environment", _env(TF_CLI_CONFIG_FILE="x"), {}, "ok", "no variable"),
    ("LD_LIBRARY_PATH", "environment", _env(LD_LIBRARY_PATH="/opt/x"), {}, "warning", "LD_LIBRARY_PATH"),
    ("a ptxas of CUDA 11", "ptxas", lambda d: trees.put(d.bin, "ptxas", "#!/bin/sh\necho 'release 11.5, V11.5.119'\n", 0o755), {}, "warning", "of CUDA 11.5"),
    ("a proxy", "hosts", _env(HTTPS_PROXY="http://p:1"), {}, "unknown", "a proxy is set"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("row, make, request_of, level, words", [i[1:] for i in ILL], ids=[i[0] for i in ILL])
def test_one_thing_wrong(
    desk: Desk, row: str, make: Callable[[Desk], Any], request_of: dict[str, Any], level: str, words: str
) -> None:
    make(desk)
    found = desk.row(row, **request_of)
    assert found.level == level and words in found.title, found
    if level == "failure":
        assert found.hint


def test_a_cuda_without_a_part_is_named_by_the_part(desk: Desk, tmp_path: Path) -> None:
    cuda = stubs.cuda(tmp_path / "cuda")
    asked = {"local_cuda": str(cuda), "cuda": "12.4.0"}
    assert desk.row("cuda-layout", **asked).level == "ok"
    shutil.rmtree(cuda / "nvvm")
    row = desk.row("cuda-layout", **asked)
    assert row.level == "failure" and "nvvm" in row.seen and row.cause == "toolkit-incomplete"
    other = desk.row("cuda-version", local_cuda=str(cuda), cuda="12.6.1")
    assert other.level == "failure" and "holds 12.4.0" in other.title
    assert desk.row("nccl-version", local_cuda=str(cuda), cuda="12.9.9").level == "failure"


def test_hosts_that_do_not_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine_rows, "reach", lambda host, timeout=0: "refused" if host == "github.com" else ""
    )
    assert desk.row("hosts").level == "failure"
    assert desk.row("hosts", distdir=str(desk.root)).level == "warning"


def test_an_edited_rules_python_is_found(desk: Desk) -> None:
    path = f"out/{'4' * 32}/external/rules_python/python/pip_install/tools/wheel_installer/wheel_installer.py"
    trees.put(desk.root, path, 'args = ["pip", "-i", "https://m.example/simple"]\n')
    row = desk.row("rules-python", output_user_root=str(desk.root / "out"))
    assert row.level == "warning" and "PIP_CONFIG_FILE" in row.hint


def test_a_row_that_can_not_look_is_unknown_and_an_ignored_one_no_failure(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(look: Look) -> Any:
        raise PermissionError("no")

    look = Look(
        detect(str(desk.tree)),
        Request(str(desk.tree), ignored=("bazel",)),
        BOX,
        profile("none"),
        None,
        Live(60.0, {"PATH": ""}),
        "/w",
    )
    monkeypatch.setattr(preflight, "ROWS", (("disk", breaks), ("bazel", program_rows.bazel)))
    assert [(r.id, r.level) for r in preflight.run(look)] == [("disk", "unknown"), ("bazel", "warning")]


def test_jobs_by_memory() -> None:
    assert [jobs_for(16, n << 30) for n in (2, 8, 16, 64)] == [1, 2, 6, 16]


def test_what_is_known_of_releases() -> None:
    build = tf_build("2.18.1")
    assert build is not None and (build.clang, build.clangs, build.bazel) == (17, (17, 18), "6.5.0")
    assert tf_build("2.99.0") is None and tf_build("") is None
    archive = tf_archive("2.18.1")
    assert archive is not None and archive.url.endswith("v2.18.1.tar.gz") and tf_archive("2.18.9") is None
    assert tf_image("2.18", "3.10") == "tensorflow/build:2.18-python3.10"
    assert os.sep in archive.url
