"""Real frameworks for smoke runs, in the environments that scripts/fetch-* make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.engine import judge
from gpudoctor.facts.observed import Known
from gpudoctor.facts.smoke import Run, Smoke, Trial
from gpudoctor.rules.registry import causes
from gpudoctor.smoke import child, phases, trial, watch
from gpudoctor.smoke.target import CPU, Target
from tests.machines import healthy

HERE = Path(__file__).parent
BUILD = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", HERE.parents[1] / "build"))
FAULTS = HERE / "faults"


def environment(framework: str) -> Path:
    """The folder of the virtual environment; the test is skipped where it was not made."""
    folder = BUILD / f"env-{framework}"
    if not (folder / ".runnable").is_file():
        pytest.skip(f"no {framework} in {folder}: run scripts/fetch-{framework}")
    return folder


def plain() -> dict[str, str]:
    """This environment without what would choose other devices; one thread, for tests share their cores."""
    unwanted = ("CUDA_", "NVIDIA_", "JAX_", "TF_", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "OMP_NUM_THREADS": "1"}


def with_fault(fault: str) -> dict[str, str]:
    return {**plain(), "PYTHONPATH": str(FAULTS), "SMOKE_FAULT": fault}


def run(
    framework: str,
    names: Sequence[str],
    env: Mapping[str, str],
    tmp_path: Path,
    deadline: float = 100.0,
    target: Target = CPU,
    allow_cpu: bool = True,
    python: str = "",
) -> Trial:
    """These phases alone, in the real framework, through the parent's own machinery. `deadline` of each phase but the import. `python`:
    another interpreter than that of the framework's environment."""
    python = python or str(environment(framework) / "bin" / "python")
    order = trial.Order(framework, "", python, target, full=True, allow_cpu=allow_cpu)
    for name, text in trial.programs().items():
        (tmp_path / name).write_bytes(text)
    (tmp_path / "tmp").mkdir()
    config = {**trial.config(order, names), "phases": list(names)}
    argv = [python, "-u", str(tmp_path / f"smoke_{framework}.py"), json.dumps(config)]
    own = trial.environment(order, env, str(tmp_path))
    limits = child.Limits(lambda name: 100.0 if name == "import" else deadline, 300.0, grace=0.1)
    ended = child.run(argv, own, str(tmp_path), limits)
    return trial.judged(trial.Done(order, tuple(names), ended), watch.NOTHING)


def named(*trials: Trial, folded: bool = False) -> set[str]:
    """The causes of the family that a run with these trials has; `folded`: their consequences too."""
    machine = healthy.no_gpu_server().replace(smoke=Smoke(Known(Run("full", True, 0.0, trials), "a test")))
    judgement = judge(machine, [c for c in causes() if c.family == "smoke"])
    assert judgement.crashed == ()
    return {f.id for f in judgement.findings if folded or f.caused_by is None}


def smoke(
    framework: str, *options: str, env: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Any:
    """`gpudoctor smoke --format json` as a user runs it; `before`: words before the command. (exit code, report)"""
    folder = str(environment(framework))
    command = [sys.executable, "-m", "gpudoctor", "smoke", "--python", folder, "--framework", framework]
    done = subprocess.run(
        [*before, *command, "--format", "json", *options],
        capture_output=True,
        text=True,
        timeout=700,
        env={**(plain() if env is None else env)},
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def all_phases(framework: str) -> list[str]:
    return [s.name for s in phases.steps(framework, True, 0, 0, False)]
