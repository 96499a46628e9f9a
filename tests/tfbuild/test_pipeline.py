"""The stages from end to end on a small tree, with a bazel that is a real program and builds nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tfbuild import stubs, trees
from tests.tfbuild.bench import Bench

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestConfigure:
    def test_dry_run_writes_nothing(self, bench: Bench) -> None:
        before = trees.snapshot(bench.root)
        cuda = str(stubs.cuda(bench.root / "cuda"))
        said = bench.run(
            "--dry-run", "--mirror", "cn", "--method", "patch", "--patch", "mirrors", "--local-cuda", cuda
        )
        after = {
            k: v
            for k, v in trees.snapshot(bench.root).items()
            if not k.startswith(("cuda/", "bin/bazel.log"))
        }
        assert after == before
        for words in (
            "cuda_view",
            "downloader.cfg",
            "pip.conf",
            "gpudoctor: begin mirrors",
            "configure.py",
            "--nobuild",
            "env.sh",
        ):
            assert words in said, words

    def test_the_capabilities_stand_under_both_configurations(self, bench: Bench) -> None:
        bench.run("--until", "configure", "--capabilities", "sm_75,compute_86")
        rc = bench.rc()
        for config in ("cuda", "cuda_clang"):
            assert f"build:{config} --repo_env=HERMETIC_CUDA_COMPUTE_CAPABILITIES=sm_75,compute_86" in rc
        assert 'CAPABILITIES="sm_75,compute_86"' in (bench.tree / ".tf_configure.bazelrc").read_text()

    def test_a_users_own_rc_stays_and_twice_is_once(self, bench: Bench) -> None:
        trees.put(bench.tree, ".bazelrc.user", "build --mine=1\n")
        bench.run("--until", "configure")
        first = bench.rc()
        bench.run("--until", "configure", "--from", "configure")
        assert (
            bench.rc() == first
            and first.startswith("build --mine=1\n")
            and first.count("gpudoctor: begin") == 1
        )

    def test_configure_that_falls_back_to_a_default_is_caught(self, bench: Bench) -> None:
        """It ends with status 0, and its file says 3.5,7.0."""
        told = bench.json("--until", "configure", code=1, STUB_CONFIGURE="falls back")
        assert told["build"]["failed"] == "configure"
        assert "3.5,7.0" in told["build"]["stages"][-1]["detail"]
        assert told["findings"][0]["id"] == "tf-build-configuration"
        assert not (bench.tree / ".bazelrc.user").exists()

    def test_configure_that_dies_is_told_with_its_words(self, bench: Bench) -> None:
        told = bench.json("--until", "configure", code=1, STUB_CONFIGURE="dies")
        stage = told["build"]["stages"][-1]
        assert "status 1" in stage["detail"] and "configure says no" in Path(stage["log"]).read_text()

    def test_variables_of_the_shell_do_not_get_in(self, bench: Bench) -> None:
        bench.run(
            "--until",
            "configure",
            LD_LIBRARY_PATH="/opt/wrong",
            TF_NEED_ROCM="1",
            CC="/wrong/gcc",
            HERMETIC_CUDA_VERSION="11.8",
        )
        text = (bench.tree / ".tf_configure.bazelrc").read_text()
        assert "/wrong" not in text and "11.8" not in text and '"12.5.1"' in text

    def test_clang_17_gets_a_name_that_ends_in_clang(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, clang="clang-17")
        bench.run("--until", "configure")
        assert f"CLANG_CUDA_COMPILER_PATH={bench.bin}/clang\n" in bench.rc()
        (bench.bin / "clang").unlink()
        bench.run("--until", "configure")
        shim = bench.workdir() / "clang/bin/clang"
        assert f"CLANG_CUDA_COMPILER_PATH={shim}\n" in bench.rc() and shim.resolve() == bench.bin / "clang-17"

    def test_a_tree_of_2_17_gets_the_classic_variables(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, "2.17")
        cuda = stubs.cuda(bench.root / "cuda", "lib", extras=False, version="12.3.2")
        cudnn = stubs.cudnn(bench.root / "cudnn", "8.9.7")
        local = [
            "--local-cuda",
            str(cuda),
            "--local-cudnn",
            str(cudnn),
            "--ignore",
            "cuda-version,cudnn-version",
        ]
        bench.run("--until", "configure", *local)
        text = (bench.tree / ".tf_configure.bazelrc").read_text()
        assert 'TF_CUDA_VERSION="12.3"' in text and "HERMETIC" not in text
        assert "build:cuda_clang --repo_env=TF_CUDA_COMPUTE_CAPABILITIES=sm_80,compute_86" in bench.rc()

    def test_a_tree_that_reads_no_user_rc_gets_one_by_option(self, bench: Bench) -> None:
        path = bench.tree / ".bazelrc"
        path.write_text(path.read_text().replace("try-import %workspace%/.bazelrc.user\n", ""))
        bench.run("--until", "fetch")
        assert not (bench.tree / ".bazelrc.user").exists()
        option = next(a for a in bench.calls()[0] if a.startswith("--bazelrc="))
        assert "CAPABILITIES=sm_80" in Path(option.removeprefix("--bazelrc=")).read_text()


class TestView:
    def test_a_runfile_cuda_gets_lib_and_cupti_and_is_not_touched(self, bench: Bench) -> None:
        cuda = stubs.cuda(bench.root / "cuda")
        before = trees.snapshot(cuda)
        told = bench.json("--until", "fetch", "--local-cuda", str(cuda), "--cuda", "12.4.0")
        assert told["build"]["stages"][-1]["state"] == "done"
        view = bench.workdir() / "cuda_view"
        assert (view / "lib/libcupti.so.12").resolve() == cuda / "extras/CUPTI/lib64/libcupti.so.12"
        assert (view / "include/cupti.h").exists() and (view / "include/cub/cub.h").exists()
        assert (view / "nvvm/libdevice/libdevice.10.bc").read_text() == "BC"
        assert f'LOCAL_CUDA_PATH="{view}"' in (bench.tree / ".tf_configure.bazelrc").read_text()
        assert trees.snapshot(cuda) == before

    def test_empty_repositories_stop_it_before_anything_compiles(self, bench: Bench) -> None:
        """The view is taken away after it was made: the stub's rules then do what 2.18's do."""
        cuda = stubs.cuda(bench.root / "cuda")
        bench.run("--until", "configure", "--local-cuda", str(cuda), "--cuda", "12.4.0")
        rc = bench.tree / ".tf_configure.bazelrc"
        rc.write_text(rc.read_text().replace(str(bench.workdir() / "cuda_view"), str(cuda)))
        told = bench.json("--only", "fetch", "--local-cuda", str(cuda), "--cuda", "12.4.0", code=1)
        assert told["findings"][0]["id"] == "tf-build-cuda-repositories-empty"
        assert "cuda_cudart, cuda_cupti" in told["build"]["stages"][-1]["detail"]
        assert all("--nobuild" in call for call in bench.calls())


class TestBuild:
    def test_from_a_tree_to_an_installed_wheel(self, bench: Bench) -> None:
        venv = bench.root / "venv"
        stubs.environment(venv)
        told = bench.json("--until", "install", "--venv", str(venv))
        states = {s["name"]: s["state"] for s in told["build"]["stages"]}
        assert states == {
            "detect": "done", "preflight": "done", "view": "skipped", "mirrors": "skipped", "patch": "skipped", "configure": "done",
            "fetch": "done", "build": "done", "wheel": "done", "install": "done",
        }  # fmt: skip
        asked = [str(venv / "bin/python"), "-c", "import tensorflow; print(tensorflow.__version__)"]
        assert subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout == "2.18.1\n"
        assert "[34,131 / 34,131] 100 %" in bench.words
        build = bench.calls()[1]
        assert "--config=cuda_wheel" in build and "//tensorflow/tools/pip_package:wheel" in build
        assert not any("PYWRAP" in a for a in build)
        again = bench.json("--until", "install", "--venv", str(venv))
        assert len(bench.calls()) == 2 and again["exit_code"] == 0  # nothing is done twice

    def test_another_request_does_again_what_depends_on_it(self, bench: Bench) -> None:
        bench.run("--until", "wheel")
        bench.run("--until", "wheel", "--capabilities", "sm_75,compute_90")
        assert len(bench.calls()) == 4 and "sm_75" in bench.rc()
        bench.run("--until", "wheel", "--capabilities", "sm_75,compute_90", "--jobs", "1")
        assert "--jobs=1" in bench.calls()[-1]

    def test_a_wheel_for_another_python_is_refused(self, bench: Bench) -> None:
        bench.run("--until", "build", "--python", "3.11")
        house = bench.tree / "bazel-bin/tensorflow/tools/pip_package/wheel_house"
        wheel = next(house.iterdir())
        wheel.rename(house / wheel.name.replace("cp311", "cp39"))
        told = bench.json("--only", "wheel", "--python", "3.11", code=1)
        assert "the wheel is for cp39" in told["build"]["stages"][-1]["detail"]

    def test_a_wheel_with_other_capabilities_is_refused(self, bench: Bench) -> None:
        bench.run("--until", "configure")
        (bench.tree / ".bazelrc.user").write_text(
            "build:cuda --repo_env=HERMETIC_CUDA_COMPUTE_CAPABILITIES=sm_60\n"
        )
        told = bench.json("--from", "fetch", "--until", "wheel", code=1)
        assert "it is built for sm_60" in told["build"]["stages"][-1]["detail"]

    def test_a_download_that_fails_once_is_tried_again(self, bench: Bench) -> None:
        words = trees.put(
            bench.root, "words", "Error downloading [https://a.example/x.tgz]: connect timed out"
        )
        bench.run("--until", "fetch", STUB_FAILS_FETCH=str(words), STUB_FAILS_ONCE="1")
        assert len(bench.calls()) == 2 and "try 2 of 3" in bench.words

    def test_a_download_that_always_fails_is_named(self, bench: Bench) -> None:
        words = trees.put(
            bench.root, "words", "Error downloading [https://a.example/x.tgz]: connect timed out"
        )
        told = bench.json("--until", "fetch", code=1, STUB_FAILS_FETCH=str(words))
        assert told["findings"][0]["id"] == "tf-build-download-failed" and len(bench.calls()) == 3


class TestStatusAndRevert:
    def test_revert_is_the_identity(self, bench: Bench) -> None:
        trees.put(bench.tree, ".bazelrc.user", "build --mine=1")
        trees.put(bench.tree, "tools/python_bin_path.sh", "old\n")
        before = trees.snapshot(bench.tree)
        bench.run("--until", "configure", "--method", "patch")
        assert trees.snapshot(bench.tree) != before
        bench.run("--until", "configure", "--method", "patch", "--capabilities", "compute_90")
        assert "took back" in bench.run("revert")
        assert trees.snapshot(bench.tree) == before
        assert "nothing to take back" in bench.run("revert")

    def test_revert_refuses_what_somebody_changed_since(self, bench: Bench) -> None:
        bench.run("--until", "configure", "--method", "patch", "--patch", "mirrors")
        path = bench.tree / "third_party/repo.bzl"
        path.write_text(path.read_text() + "# mine\n")
        after = trees.snapshot(bench.tree)
        bench.run("revert", code=2)
        kept = {k for k, v in trees.snapshot(bench.tree).items() if after.get(k) != v}
        assert "third_party/repo.bzl" not in kept

    def test_status_tells_each_stage(self, bench: Bench) -> None:
        bench.run("status", code=2)
        bench.run("--until", "configure")
        said = bench.run("status")
        assert "nobody works on it now" in said and "configured for sm_80,compute_86" in said
        told = json.loads(bench.run("status", "--format", "json"))
        assert [s["name"] for s in told["build"]["stages"]][-1] == "configure" and not told["build"][
            "running"
        ]

    def test_two_runs_on_one_tree_are_one_too_many(self, bench: Bench) -> None:
        bench.run("--until", "detect")
        import fcntl

        with open(bench.workdir() / "lock", "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            bench.run("--until", "detect", code=2)
            assert "another build-tf works" in bench.words

    def test_a_broken_state_file_is_said_and_not_overwritten(self, bench: Bench) -> None:
        bench.run("--until", "detect")
        state = bench.workdir() / "state.json"
        state.write_text("{")
        bench.run("--until", "detect", code=2)
        assert state.read_text() == "{" and "can't be read" in bench.words


class TestUsage:
    @pytest.mark.parametrize(
        "arguments, words",
        [
            (["--patch", "mirrors"], "--method outside does not"),
            (["--method", "patch", "--patch", "all"], "no patch 'all'"),
            (["--from", "build", "--until", "fetch"], "comes after"),
            (["--only", "build", "--until", "fetch"], "--only is one stage"),
            (["--local-cuda", "/nowhere"], "/nowhere is not a folder"),
            (["--capabilities", "rtx3050"], "no compute capability"),
            (["--targets", "all"], "no target 'all'"),
            (["--jobs", "many"], "no number of jobs"),
            (["--mirror", "/nowhere.toml"], "nowhere.toml"),
        ],
    )
    def test_what_can_not_be_meant_is_refused(self, bench: Bench, arguments: list[str], words: str) -> None:
        bench.run(*arguments, code=2)
        assert words in bench.words
        assert not (bench.root / "state").exists()

    def test_a_work_folder_in_the_tree_is_refused(self, bench: Bench) -> None:
        bench.run("--workdir", str(bench.tree / "work"), code=2)
        assert not (bench.tree / "work").exists()

    def test_a_version_alone_says_where_to_get_it(self, bench: Bench) -> None:
        ended = subprocess.run(
            [*bench.command(), "--version", "2.18.0"],
            capture_output=True,
            text=True,
            timeout=20,
            env=bench.env,
        )
        assert "archive/refs/tags/v2.18.0.tar.gz" in ended.stdout and "sha256sum --check" in ended.stdout
        assert re.search(r"d7876f4bb0235cac", ended.stdout)
        ended = subprocess.run(
            [*bench.command(), "--version", "2.5.9"],
            capture_output=True,
            text=True,
            timeout=20,
            env=bench.env,
        )
        assert ended.returncode == 2 and "not known" in ended.stderr

    def test_patch_shows_the_diff_and_changes_nothing(self, bench: Bench) -> None:
        before = trees.snapshot(bench.tree)
        said = bench.run("patch", "mirrors")
        assert said.count("+++ b/") == 3 and trees.snapshot(bench.tree) == before
        assert "clang-17 is taken for clang" in bench.run("patch", "--list")
        bench.run("patch", "frob", code=2)
        assert "no patch 'frob'" in bench.words


class TestContainer:
    def test_the_same_command_in_the_releases_image(self, bench: Bench) -> None:
        trees.put(bench.bin, "docker", stubs.DOCKER, 0o755)
        (bench.bin / "python3").symlink_to(sys.executable)
        cuda = stubs.cuda(bench.root / "cuda")
        said = bench.run(
            "--in-container",
            "--until",
            "configure",
            "--local-cuda",
            str(cuda),
            "--cuda",
            "12.4.0",
            "--python",
            "3.11",
        )
        assert "configured for sm_80,compute_86" in said
        asked = eval((bench.bin / "docker.log").read_text())
        assert (
            "tensorflow/build:2.18-python3.11" in asked
            and f"--volume={cuda}:{cuda}" in asked
            and "--in-container" not in asked
        )
        assert "CAPABILITIES=sm_80,compute_86" in bench.rc()
        told = bench.json("--in-container", "--until", "configure", "--image", "mine:1", code=0)
        assert told["command"] == "build-tf" and "mine:1" in (bench.bin / "docker.log").read_text()

    def test_without_an_engine_it_is_refused(self, bench: Bench) -> None:
        bench.env["PATH"] = f"{bench.bin}:{os.path.dirname(sys.executable)}"
        bench.run("--in-container", code=2)
        assert "no docker and no podman" in bench.words
