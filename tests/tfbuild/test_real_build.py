"""fetch, build and wheel with real Bazel 4.2.3 on a small tree of TensorFlow's shape: its own rc files and options, its server, its output.

What is built is no TensorFlow: the target `wheel` packs a small file. Proven are the command lines, the place of the wheel, a
failure's words, and that a run that is killed while Bazel works is taken up again."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tfbuild import trees
from tests.tfbuild.bench import Bench
from tests.tfbuild.test_real_bazel import need

pytestmark = pytest.mark.slow

PACK = r"""
import sys, zipfile
name, capabilities = "tensorflow-2.18.1", sys.argv[2].split(",")
info = "build_info = " + repr({"is_cuda_build": True, "cuda_version": "12.5.1", "cuda_compute_capabilities": capabilities})
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for path, text in (
        ("tensorflow/__init__.py", "__version__ = '2.18.1'\n"),
        ("tensorflow/python/platform/build_info.py", info + "\n"),
        (name + ".dist-info/METADATA", "Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.18.1\n"),
        (name + ".dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"),
        (name + ".dist-info/RECORD", ""),
    ):
        z.writestr(path, text)
"""
#: The repository rule stands for cuda_configure: the wheel has what it was given.
RULES = """
def _caps(ctx):
    ctx.file("BUILD", "")
    ctx.file("caps.bzl", "CAPS = %r" % ctx.os.environ.get("HERMETIC_CUDA_COMPUTE_CAPABILITIES", ""))

caps = repository_rule(implementation = _caps, environ = ["HERMETIC_CUDA_COMPUTE_CAPABILITIES"])
"""
WORKSPACE = 'workspace(name = "org_tensorflow")\nload("//:caps.bzl", "caps")\ncaps(name = "caps")\n'
BUILD = """
load("@caps//:caps.bzl", "CAPS")

[genrule(name = "part%d" % n, outs = ["part%d.o" % n], cmd = "{work}") for n in range(5)]

genrule(
    name = "wheel",
    srcs = ["pack.py"] + ["part%d.o" % n for n in range(5)],
    outs = ["wheel_house/tensorflow-2.18.1-cp311-cp311-linux_x86_64.whl"],
    cmd = "python3 $(location pack.py) $@ " + CAPS,
)
"""


class Small(Bench):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (self.bin / "bazel").unlink()
        (self.bin / "bazel").symlink_to(need("bin/bazel-4"))
        (self.tree / ".bazelversion").unlink()  # the distribution's bazel refuses any other release
        trees.put(self.tree, "WORKSPACE", WORKSPACE)
        trees.put(self.tree, "caps.bzl", RULES)
        trees.put(self.tree, "BUILD", "")
        rc = (self.tree / ".bazelrc").read_text()
        trees.put(self.tree, ".bazelrc", "build --spawn_strategy=local\nstartup --max_idle_secs=60\n" + rc)
        trees.put(self.tree, "tensorflow/tools/pip_package/pack.py", PACK)
        self.work("echo part >$@")
        self.always += ["--python", "3.11", "--output-user-root", str(root / "out")]
        self.always[self.always.index("hosts,patchelf,disk")] += ",bazel"

    def work(self, command: str) -> None:
        trees.put(self.tree, "tensorflow/tools/pip_package/BUILD", BUILD.format(work=command))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    made = Small(tmp_path_factory.mktemp("small"))
    made.run("--until", "configure")
    yield made
    command = [str(made.bin / "bazel"), f"--output_user_root={made.root / 'out'}", "shutdown"]
    subprocess.run(command, cwd=made.tree, capture_output=True, timeout=60)


def test_from_a_tree_to_its_wheel(bench: Small) -> None:
    bench.work("echo part >$@")
    told = bench.json("--until", "wheel", "--from", "detect", "-v")
    stages = {s["name"]: s for s in told["build"]["stages"]}
    assert [stages[n]["state"] for n in ("fetch", "build", "wheel")] == ["done"] * 3
    assert stages["wheel"]["detail"].startswith("tensorflow-2.18.1-cp311-cp311-linux_x86_64.whl")
    assert Path(stages["fetch"]["data"]["output_base"]).parent == bench.root / "out"
    log = Path(stages["build"]["log"]).read_text()
    assert "INFO: Build completed successfully" in log and log.rstrip().rpartition("\n")[2].startswith(
        "$ ended with status 0"
    )


def test_a_failure_is_told_in_the_words_that_say_most(bench: Small) -> None:
    bench.work("echo x.cu.cc:7:3: error: no member named half >&2; exit 1")
    told = bench.json("--only", "build", code=1)
    stage = told["build"]["stages"][-1]
    assert stage["detail"] == "bazel ended with status 1: x.cu.cc:7:3: error: no member named half"
    assert "Build did NOT complete" in Path(stage["log"]).read_text()


def test_a_run_that_is_killed_while_bazel_works_is_taken_up_again(bench: Small) -> None:
    """Bazel's client and server live on: the next run waits for them, as Bazel does, and nothing is built twice."""
    begun, release = bench.root / "begun", bench.root / "release"
    os.mkfifo(release)
    bench.work(f"echo once >>{begun}; cat {release} >$@")
    command = bench.command("--source", str(bench.tree), *bench.always, "--capabilities", "sm_80,compute_86")
    process = subprocess.Popen(
        [*command, "--only", "build"],
        env=bench.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with open(release, "w") as held:  # returns when an action reads from it
        process.kill()
        process.wait(20)
        assert "interrupted" in bench.run("status")
        again = subprocess.Popen(
            [*command, "--from", "build", "--until", "wheel", "--format", "json"],
            env=bench.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        held.write("part\n" * 5)
    feeding = threading.Thread(target=_feed, args=(release, again), daemon=True)
    feeding.start()
    told = json.loads(again.communicate(timeout=120)[0])
    assert [s["state"] for s in told["build"]["stages"]][-2:] == ["done", "done"], told["build"]["stages"]
    assert len(begun.read_text().splitlines()) == 5


def _feed(release: Path, process: subprocess.Popen[str]) -> None:
    """Every further action reads the same pipe."""
    while process.poll() is None:
        with contextlib.suppress(BrokenPipeError), open(release, "w") as pipe:
            pipe.write("part\n")
