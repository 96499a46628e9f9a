"""Every path on the CPU's side with real frameworks; faults planted from outside; and nothing ever passes for a GPU."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.smoke.target import Target
from tests import fakes
from tests.smoke import real
from tests.smoke.test_faults import LIMITS, died

pytestmark = [pytest.mark.slow, pytest.mark.wheels]

#: What a CPU can't do.
ELSEWHERE = {"profile", "memory"}


@pytest.mark.parametrize("framework", ["torch", "tensorflow", "jax"])
def test_no_cuda_was_pulled_in(framework: str) -> None:
    """The CPU builds alone: gigabytes of NVIDIA's libraries would mean that a GPU build was resolved."""
    site = next(real.environment(framework).glob("lib/python3.*/site-packages"))
    names = sorted(p.name.lower() for p in site.iterdir())
    assert not [
        n for n in names if n.startswith(("nvidia", "jax_cuda", "jax-cuda", "triton", "cuda", "tensorrt"))
    ]


@pytest.mark.parametrize("framework", ["torch", "tensorflow", "jax"])
def test_everything_passes_on_a_cpu_and_proves_nothing(framework: str, tmp_path: Path) -> None:
    board = tmp_path / "board"
    code, report = real.smoke(
        framework,
        "--allow-cpu",
        "--full",
        "--tensorboard",
        str(board),
        "--save-plot",
        str(tmp_path / "p.html"),
    )
    (trial,) = report["smoke"]["trials"]
    assert (code, trial["verdict"], trial["gpu_proven"]) == (0, "cpu", False)
    states = {p["name"]: p["state"] for p in trial["phases"]}
    assert set(states) == {"import", "tensorboard", *real.all_phases(framework)}
    assert {name for name, state in states.items() if state != "passed"} <= {*ELSEWHERE, "tensorboard"}
    assert trial["import_s"] > 0 and trial["work_s"] > 0 and trial["first_kernel_s"] > 0
    assert report["findings"] == [] and report["exit_code"] == 0
    assert "smoke-ran-on-cpu" not in report["summary"]
    drawing = (tmp_path / "p.html").read_text()
    assert drawing.count("<polyline") == sum(len(p["curve"]) > 1 for p in trial["phases"]) > 0
    wrote = next(p for p in trial["phases"] if p["name"] == "tensorboard")
    if framework == "tensorflow":
        assert wrote["values"]["losses"] > 50 and list(board.rglob("events.out.tfevents.*"))
    else:
        assert wrote["state"] == "skipped" and "writer" in wrote["message"]


def test_runs_repeat(tmp_path: Path) -> None:
    curves = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        trial = real.run("torch", ["context", "mlp", "conv"], real.plain(), tmp_path / name)
        curves.append([p.curve for p in trial.phases])
    assert curves[0] == curves[1] != [(), (), ()]


def test_without_a_gpu_and_without_leave_nothing_is_run() -> None:
    code, report = real.smoke("torch")
    (trial,) = report["smoke"]["trials"]
    assert (code, trial["verdict"]) == (2, "skipped") and "no NVIDIA GPU" in trial["why"]


class TestFaults:
    """Each planted fault has a finding of its own."""

    @pytest.mark.parametrize(
        ("framework", "fault", "phase"),
        [
            ("torch", "segfault", "conv"),
            ("torch", "hang", "collective"),
            ("tensorflow", "segfault", "lstm"),
            ("jax", "hang", "conv"),
        ],
    )
    def test_in_a_phase(self, framework: str, fault: str, phase: str, tmp_path: Path) -> None:
        """In every phase of each: tests/smoke/test_faults.py, with programs that import nothing heavy."""
        died(
            real.run(framework, [phase], real.with_fault(f"{fault}:{phase}"), tmp_path, LIMITS[fault]),
            fault,
            phase,
        )

    @pytest.mark.parametrize("fault", ["segfault", "hang"])
    def test_in_the_import(self, fault: str, tmp_path: Path) -> None:
        env = real.with_fault(f"{fault}:import")
        if fault == "hang":
            code, report = real.smoke("torch", "--allow-cpu", "--timeout", "2", env=env)
            assert code == 1 and "import" in report["smoke"]["trials"][0]["why"]
            return
        trial = real.run("torch", ["context"], env, tmp_path)
        assert (trial.verdict, trial.phases[0].state) == ("fail", "crashed")
        assert real.named(trial) == {"smoke-import-failed"}

    @pytest.mark.parametrize("framework", ["torch", "tensorflow", "jax"])
    def test_wrong_numerics_a_diverging_loss_and_a_device_without_memory(
        self, framework: str, tmp_path: Path
    ) -> None:
        """Each in a phase of its own. A host without memory ends TensorFlow and JAX in native code, without a word of it; of a GPU's memory
        they say so."""
        trial = real.run(
            framework,
            ["context", "gemm-exact", "mlp", "conv"],
            real.with_fault("wrong-products+uphill+oom"),
            tmp_path,
        )
        found = {p.name: p for p in trial.phases}
        assert "1 of 16384 elements" in found["gemm-exact"].message and found["mlp"].curve
        wanted = {"smoke-wrong-numerics", "smoke-did-not-converge"}
        wanted |= {"smoke-out-of-memory"} if framework != "torch" else set()
        assert real.named(trial, folded=True) == wanted, trial
        assert "smoke-did-not-converge" not in real.named(trial)  # a consequence of wrong products

    def test_no_compiler(self, tmp_path: Path) -> None:
        empty = tmp_path / "empty"
        empty.mkdir()
        env = {**real.plain(), "PATH": str(empty)}
        env.pop("CC", None)
        env.pop("CXX", None)
        (tmp_path / "run").mkdir()
        trial = real.run("torch", ["context", "compile"], env, tmp_path / "run")
        assert real.named(trial) == {"smoke-compile-failed"}

    def test_too_little_memory(self, tmp_path: Path) -> None:
        trial = real.run("torch", ["context", "roofline"], real.with_fault("no-memory:roofline"), tmp_path)
        assert real.named(trial) == {"smoke-out-of-memory"}, trial

    def test_too_little_memory_for_the_import(self) -> None:
        limited = ["sh", "-c", 'ulimit -v 300000; exec "$@"', "sh"]
        code, report = real.smoke("torch", "--allow-cpu", before=limited)
        assert code == 1
        assert "smoke-out-of-memory" in {f["id"] for f in report["findings"]}, report["smoke"]

    def test_a_full_dev_shm(self, tmp_path: Path) -> None:
        """A mount of our own: nobody else sees it. Without compilers, which spares the test half a minute of compiling."""
        mount = "mount -t tmpfs -o size=64k none /dev/shm"
        private = [
            "unshare",
            "-m",
            "--propagation",
            "private",
            "sh",
            "-c",
            f'{mount} && PATH={tmp_path} && exec "$@"',
            "sh",
        ]
        if (
            shutil.which("unshare") is None
            or subprocess.run([*private, "/bin/true"], capture_output=True).returncode
        ):
            pytest.skip("no mount of our own can be made here (root is needed)")
        code, report = real.smoke("torch", "--allow-cpu", "--full", before=private)
        found = {f["id"]: f["caused_by"] for f in report["findings"]}
        assert code == 1 and {"smoke-shared-memory-full", "smoke-compile-failed"} <= found.keys(), report[
            "smoke"
        ]["trials"][0]["phases"]


@pytest.mark.cc
@pytest.mark.skipif(fakes.CC is None, reason="no C compiler")
class TestNegativeControls:
    """On a machine whose NVML lists a GPU, with frameworks that can't use it: never a PASS."""

    def env(self, **more: str) -> dict[str, str]:
        file = str(fakes.answers("rtx3050-laptop"))
        path = str(fakes.libraries("nvml", "cuda"))
        return {**real.plain(), "LD_LIBRARY_PATH": path, "FAKE_NVML": file, "FAKE_CUDA": file, **more}

    @pytest.mark.parametrize("mask", [None, "", "0", "GPU-nothing", "-1"])
    def test_a_cpu_build_fails_whatever_the_mask(self, mask: str | None) -> None:
        env = self.env() if mask is None else self.env(CUDA_VISIBLE_DEVICES=mask)
        code, report = real.smoke("torch", env=env)
        (trial,) = report["smoke"]["trials"]
        assert (code, trial["verdict"], trial["gpu_proven"]) == (1, "fail", False)
        assert trial["why"].startswith("ran on the CPU, or would have: torch.cuda.is_available() is False")
        roots = {f["id"]: f["caused_by"] for f in report["findings"]}
        assert "smoke-ran-on-cpu" in roots
        if mask is None:
            assert roots["smoke-ran-on-cpu"] == "cpu-only-wheel" and roots["cpu-only-wheel"] is None

    def test_a_torch_that_claims_cuda_is_caught_by_the_witnesses_outside(self) -> None:
        """It says cuda:0 in every answer, times events, and passes every phase."""
        env = self.env(PYTHONPATH=str(real.FAULTS), SMOKE_FAULT="liar")
        code, report = real.smoke("torch", env=env)
        (trial,) = report["smoke"]["trials"]
        assert {p["state"] for p in trial["phases"]} == {"passed"}, trial["output"]
        assert (code, trial["verdict"], trial["gpu_proven"]) == (1, "fail", False)
        states = {c["name"]: c["state"] for c in trial["channels"]}
        assert states["cuda-events"] == "proves"
        assert (states["device-files"], states["memory"]) == ("contradicts", "contradicts")
        assert "smoke-ran-on-cpu" in {f["id"] for f in report["findings"]}

    def test_soft_placement_of_tensorflow(self, tmp_path: Path) -> None:
        env = {**real.with_fault("soft-placement"), **self.env(), "PYTHONPATH": str(real.FAULTS)}
        target = Target("", "GPU 0", platform=("linux",))
        trial = real.run("tensorflow", ["context", "mlp"], env, tmp_path, target=target, allow_cpu=False)
        assert trial.verdict == "fail" and trial.phases[1].illness == "placement", trial
        assert "not on the GPU" in trial.phases[1].message

    @pytest.mark.parametrize("platforms", [None, "cpu"])
    def test_jax_without_its_plugin_or_told_to_stay_on_the_cpu(self, platforms: str | None) -> None:
        code, report = real.smoke("jax", env=self.env(JAX_PLATFORMS=platforms) if platforms else self.env())
        (trial,) = report["smoke"]["trials"]
        assert (code, trial["verdict"]) == (1, "fail")
        assert "jax.devices()" in trial["why"]

    def test_permission_to_use_the_cpu_gives_no_pass(self) -> None:
        code, report = real.smoke("torch", "--allow-cpu", env=self.env())
        (trial,) = report["smoke"]["trials"]
        assert (code, trial["verdict"], trial["gpu_proven"]) == (0, "cpu", False)

    def test_a_full_gpu_is_left_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "full.txt"
        text = fakes.answers("rtx3050-laptop").read_text()
        file.write_text(text.replace("gpu.0.memory 4096 6", "gpu.0.memory 4096 3900"))
        code, report = real.smoke("torch", env={**self.env(), "FAKE_NVML": str(file)})
        (trial,) = report["smoke"]["trials"]
        assert (code, trial["verdict"], trial["phases"]) == (2, "skipped", [])
        assert "196 MiB" in trial["why"] and [s["id"] for s in report["skipped"]] == ["smoke-gpu-unproven"]


def test_nothing_of_a_run_is_left_behind(tmp_path: Path) -> None:
    real.smoke("torch", "--allow-cpu", env={**real.plain(), "TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_ends_it_finds_no_child_left(tmp_path: Path) -> None:
    folder = real.environment("torch")
    command = [sys.executable, "-m", "gpudoctor", "smoke", "--allow-cpu", "--full", "--python", str(folder)]
    env = {**real.plain(), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:  # it trains now
            if " mlp " in line:
                break
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("legacy", "major"), [("0", 3), ("1", 2)])
def test_keras_of_either_major_trains(legacy: str, major: int, tmp_path: Path) -> None:
    """tf-keras is Keras 2 for a TensorFlow that comes with Keras 3."""
    env = {**real.plain(), "TF_USE_LEGACY_KERAS": legacy, "KERAS_BACKEND": "jax"}
    trial = real.run("tensorflow", ["context", "lstm"], env, tmp_path)
    assert trial.verdict == "cpu", trial
    assert trial.phases[-1].values["keras_major"] == major
