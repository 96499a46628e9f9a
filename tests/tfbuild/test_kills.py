"""kill -9 in every stage, before each of its steps: the next run goes through, and revert is the identity.

The steps are Python's own audit events (tests/tfbuild/kills): renames, links, removals, programs started."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gpudoctor.tfbuild.request import STAGES
from gpudoctor.workflows import build_tf
from tests.tfbuild import stubs, trees
from tests.tfbuild.bench import Bench

pytestmark = pytest.mark.slow

KILLS = Path(__file__).parent / "kills"
#: A run without an end: more steps than any stage has.
MANY = 60


class Killed(Bench):
    """`until_it_is_done` runs a stage again and again, killed before its first step, its second, and so on, until it has no more."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.venv = stubs.environment(root / "venv")
        cuda = stubs.cuda(root / "cuda")
        self.always += [
            "--venv",
            str(self.venv),
            "--method",
            "patch",
            "--patch",
            "mirrors,capabilities",
            "--mirror",
            "cn",
        ]
        self.always += ["--local-cuda", str(cuda), "--cuda", "12.4.0", "--capabilities", "sm_80,compute_86"]

    def starts(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        own = {**self.env, "PYTHONPATH": f"{KILLS}:{self.env.get('PYTHONPATH', '')}", **env}
        command = self.command("--source", str(self.tree), *self.always, *arguments)
        ended = subprocess.run(command, env=own, capture_output=True, text=True, timeout=120, cwd=self.root)
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def killed_before(self, stage: str, step: int) -> bool:
        """Whether there was such a step."""
        ended = self.starts("--only", stage, KILL_AT=f"{stage}:{step}")
        if ended.returncode != -9:
            assert ended.returncode == 0, ended.stdout + ended.stderr
            return False
        self.alone()
        return True

    def alone(self) -> None:
        """Until what the killed run had started has ended as well: it holds the lock."""
        with open(self.workdir() / "lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def until_it_is_done(
        self, stage: str, after: Callable[[], None], most: int = MANY, *arguments: str
    ) -> int:
        for step in range(1, most):
            if not self.killed_before(stage, step, *arguments):
                return step - 1
            after()
        assert most < MANY, f"{stage} has no end"
        return most - 1

    def interrupted(self, stage: str) -> None:
        _, state, running = build_tf.status(str(self.tree), str(self.workdir()))
        found = state.stage(stage)
        assert found is not None and found.state == "running" and not running
        assert not list(self.tree.rglob("*.gpudoctor-*"))

    def revert(self) -> tuple[str, ...]:
        """In this process: its own end is another test's."""
        return build_tf.revert(str(self.tree), str(self.workdir()))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Killed:
    made = Killed(tmp_path)
    monkeypatch.setenv("GPUDOCTOR_STATE", made.env["GPUDOCTOR_STATE"])
    return made


def changed(bench: Bench, before: dict[str, tuple[str, bytes]]) -> set[str]:
    """What of the tree is not as it was, but for Bazel's own links."""
    now = trees.snapshot(bench.tree)
    return {n for n in {*now, *before} if now.get(n) != before.get(n) and not n.startswith("bazel-")}


def test_before_each_step_of_each_stage_then_it_goes_through(bench: Killed) -> None:
    before = trees.snapshot(bench.tree)
    steps = {}
    for stage in STAGES[:-1]:
        if stage in ("patch", "configure"):  # as the next test does
            bench.starts("--only", stage)
            continue
        steps[stage] = bench.until_it_is_done(stage, lambda stage=stage: bench.interrupted(stage))  # type: ignore[misc]
    # the state is renamed when a stage has ended; the other steps are the stage's own
    own = {name for name, number in steps.items() if number > 1}
    assert own == {"preflight", "view", "mirrors", "fetch", "build", "install"}, steps
    told = json.loads(bench.starts("--until", "install", "--format", "json").stdout)
    assert {s["state"] for s in told["build"]["stages"]} == {"done"}
    asked = [str(bench.venv / "bin/python"), "-c", "import tensorflow; print(tensorflow.__version__)"]
    assert subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout == "2.18.1\n"
    _, state, _ = build_tf.status(str(bench.tree), str(bench.workdir()))
    assert state.venvs == {str(bench.venv): "none"}  # not our own wheel, half-way installed
    said = bench.revert()
    assert changed(bench, before) == set()
    assert "pip uninstall tensorflow" in said[-2]


@pytest.mark.parametrize("stage", ["patch", "configure"])
def test_revert_right_after_each_kill_is_the_identity(bench: Killed, stage: str) -> None:
    """Also where the change was made, and the run was killed before it could note it down."""
    trees.put(bench.tree, ".bazelrc.user", "build --mine=1")
    trees.put(bench.tree, "tools/python_bin_path.sh", "old\n")
    bench.starts("--until", "view")
    before = trees.snapshot(bench.tree)

    def back() -> None:
        bench.revert()
        assert changed(bench, before) == set()

    assert bench.until_it_is_done(stage, back) > 5
    assert changed(bench, before) != set()
    back()


def test_a_revert_that_is_killed_goes_on(bench: Killed, tmp_path: Path) -> None:
    before = trees.snapshot(bench.tree)
    bench.starts("--until", "configure")
    parts = (bench.tree, Path(bench.env["GPUDOCTOR_STATE"]))
    for part in parts:
        shutil.copytree(part, tmp_path / "kept" / part.name, symlinks=True)
    env = {**bench.env, "PYTHONPATH": f"{KILLS}:{bench.env.get('PYTHONPATH', '')}"}
    command = bench.command("revert", "--source", str(bench.tree))
    for step in range(1, MANY):
        ended = subprocess.run(
            command, env={**env, "KILL_AT": f"any:{step}"}, capture_output=True, text=True, timeout=60
        )
        if ended.returncode == 0:
            break
        assert ended.returncode == -9, ended.stderr
        bench.revert()
        assert changed(bench, before) == set()
        for part in parts:
            shutil.rmtree(part)
            shutil.copytree(tmp_path / "kept" / part.name, part, symlinks=True)
    assert step > 5 and changed(bench, before) == set()


def test_while_bazel_builds(bench: Killed) -> None:
    holding = bench.root / "holding"
    command = bench.command("--source", str(bench.tree), *bench.always, "--until", "wheel", "-v")
    process = subprocess.Popen(
        command,
        env={**bench.env, "STUB_HOLDS": str(holding)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "[1 / 34,131]" in line:
            break
    else:
        raise AssertionError("".join(said))
    process.kill()
    process.wait(20)
    process.stderr.close()
    bench.interrupted("build")
    assert bench.json("--until", "wheel")["build"]["stages"][-1]["state"] == "done"


def test_what_a_killed_run_had_started_keeps_the_next_one_waiting(bench: Killed) -> None:
    """pip twice in one environment would leave a mixture: the lock is pip's as long as it lives."""
    site = next(bench.venv.glob("lib/python3.*/site-packages"))
    (site / "pip").unlink()
    release = bench.root / "release"

    os.mkfifo(release)
    trees.put(site, "pip/__init__.py", "")
    trees.put(site, "pip/__main__.py", f"open({str(release)!r}).read()\n")
    bench.starts("--until", "wheel")
    own = {**bench.env, "PYTHONPATH": str(KILLS)}
    process = subprocess.Popen(
        bench.command("--source", str(bench.tree), *bench.always, "--only", "install"),
        env=own,
        stderr=subprocess.DEVNULL,
    )
    with open(release, "w"):  # it returns when pip has opened the other end
        process.kill()
        process.wait(20)
        ended = bench.starts("--only", "install")
        assert ended.returncode == 2 and "another build-tf works on this tree" in ended.stderr
    bench.alone()
