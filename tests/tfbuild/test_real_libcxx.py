"""libc++ of two versions, for real: a program linked against 16 meets 14. The preflight says so before, diagnose names it after.

scripts/fetch-libcxx and scripts/fetch-bazel get the libraries and clang 16 from the distribution; nothing is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gpudoctor.knowledge.mirrors import profile
from gpudoctor.parsers.elf import exported
from gpudoctor.system.live import Live
from gpudoctor.tfbuild.preflight.libcxx import libcxx
from gpudoctor.tfbuild.preflight.model import Look, Row
from gpudoctor.tfbuild.request import Machine, Request
from gpudoctor.tfbuild.tree import detect
from gpudoctor.workflows.diagnose import diagnose_text
from tests.tfbuild import trees

BUILD = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", Path(__file__).parents[2] / "build"))
OLD, NEW = (BUILD / f"libcxx/usr/lib/llvm-{major}/lib" for major in (14, 16))
SYMBOL = "_ZNSt3__122__libcpp_verbose_abortEPKcz"
pytestmark = pytest.mark.slow

PROGRAM = "#include <vector>\nint main(int n, char **) { std::vector<int> v{0}; return n == 1 ? 0 : v[n]; }\n"


@pytest.fixture(scope="module")
def clang(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clang 16 as one that was unpacked beside its libc++ is: it finds headers and library there."""
    real = BUILD / "bazel/bin/clang-16"
    for needed, script in ((NEW / "libc++.so.1", "fetch-libcxx"), (real, "fetch-bazel")):
        if not needed.exists():
            pytest.skip(f"no {needed.name}: scripts/{script} could not get it")
    folder = tmp_path_factory.mktemp("clang")
    text = f'#!/bin/sh\nexec {real} -nostdinc++ -isystem {NEW.parent}/include/c++/v1 -L{NEW} -B{NEW} "$@"\n'
    return trees.put(folder, "clang", text, 0o755)


def row(tmp_path: Path, clang: Path, libraries: Path, flags: str = "-stdlib=libc++") -> Row:
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": str(libraries), "BAZEL_CXXOPTS": flags}
    tree = detect(str(trees.make(tmp_path / "tree")))
    port = Live(60.0, env)
    asked = Request(tree.path, clang=str(clang))
    (found,) = libcxx(Look(tree, asked, Machine(), profile("none"), None, port, str(tmp_path / "work")))
    return found


def test_the_preflight_finds_the_mixture_before_anything_is_built(tmp_path: Path, clang: Path) -> None:
    found = row(tmp_path, clang, OLD)
    assert (found.level, found.cause) == ("failure", "libcxx-mismatch"), found
    assert SYMBOL in found.title and str(OLD) in found.seen and str(NEW) in found.seen


def test_its_own_library_is_no_mixture(tmp_path: Path, clang: Path) -> None:
    found = row(tmp_path, clang, NEW)
    assert (found.level, found.title) == ("warning", "the build uses libc++"), found


def test_a_build_with_libstdcxx_does_not_care(tmp_path: Path, clang: Path) -> None:
    found = row(tmp_path, clang, OLD, "")
    assert found.level == "ok" and str(OLD) in found.seen


def test_diagnose_names_what_the_loader_says_of_it(tmp_path: Path, clang: Path) -> None:
    source = trees.put(tmp_path, "program.cc", PROGRAM)
    program = tmp_path / "program"
    flags = ["-stdlib=libc++", "-D_LIBCPP_ENABLE_ASSERTIONS=1", str(source), "-o", str(program), "-lc++"]
    subprocess.run([str(clang), *flags], check=True, capture_output=True, timeout=60)

    def ran(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
        env = {"LD_LIBRARY_PATH": str(folder), **env}
        return subprocess.run([str(program)], env=env, capture_output=True, text=True, timeout=20)

    assert ran(NEW, LD_BIND_NOW="1").returncode == 0
    assert ran(OLD).returncode == 0  # lazy binding hides it until the function is called
    said = ran(OLD, LD_BIND_NOW="1")
    assert said.returncode == 127 and said.stderr.rstrip().endswith(f"undefined symbol: {SYMBOL}")
    assert [d.id for d in diagnose_text(said.stderr).diagnoses][:1] == ["libcxx-mismatch"]


def test_what_a_library_defines_is_read_from_it(clang: Path) -> None:
    with open(NEW / "libc++.so.1", "rb") as new, open(OLD / "libc++.so.1", "rb") as old:
        one, other = exported(new), exported(old)
    assert SYMBOL in one and SYMBOL not in other and len(one & other) > 1000
