"""The smoke stage with real TensorFlow: the wheel trains, a Keras model is exported, and a C program of ours runs it with the C library.

The CPU wheel with --allow-cpu: its own libraries, which have the C API, stand where a build would have put libtensorflow."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gpudoctor.tfbuild.stages.model import Failed
from gpudoctor.tfbuild.stages.smoke import compile_program
from tests.smoke import real
from tests.tfbuild.test_kills import Killed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.wheels,
    pytest.mark.cc,
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
]


@pytest.fixture
def bench(tmp_path: Path) -> Killed:
    made = Killed(tmp_path)
    venv = real.environment("tensorflow")
    library = next(venv.glob("lib/python3.*/site-packages/tensorflow"))
    built = made.tree / "bazel-bin/tensorflow"
    built.mkdir(parents=True)
    for name, file in (
        ("libtensorflow", "libtensorflow_cc"),
        ("libtensorflow_framework", "libtensorflow_framework"),
    ):
        (built / f"{name}.so").symlink_to(library / f"{file}.so.2")
        (built / f"{file}.so.2").symlink_to(library / f"{file}.so.2")
    made.always[made.always.index(str(made.venv))] = str(venv)
    made.always[made.always.index("--clang") + 1] = str(shutil.which("cc"))
    made.always += ["--allow-cpu", "--targets", "wheel,libtensorflow"]
    return made


def test_the_wheel_and_the_c_library_agree_also_after_kills(bench: Killed) -> None:
    """Killed before env.sh is there, and before the smoke test starts; the next run does all of it."""
    assert bench.killed_before("smoke", 1) and not (bench.workdir() / "env.sh").exists()
    assert bench.killed_before("smoke", 2) and (bench.workdir() / "env.sh").exists()
    bench.interrupted("smoke")
    told = bench.json("--only", "smoke")
    (stage,) = told["build"]["stages"]
    assert (told["exit_code"], stage["state"]) == (0, "done"), told
    assert "the wheel trains (on the CPU" in stage["detail"]
    assert (
        "the C library runs the exported model (serving_default_" in stage["detail"]
        and "agrees with Python" in stage["detail"]
    )
    script = Path(stage["data"]["env"]).read_text()
    assert f"{bench.root}/cuda/lib64" in script and "XLA_FLAGS=--xla_gpu_cuda_data_dir=" in script
    assert f". {real.environment('tensorflow')}/bin/activate" in script
    log = Path(stage["log"]).read_text()
    assert "gpudoctor smoke" in log and "train_and_export.py" in log and "TensorFlow 2." in log


def test_a_program_that_does_not_compile_is_named_with_its_log(tmp_path: Path) -> None:
    """The headers of TensorFlow's C API are not there."""
    log = tmp_path / "smoke.log"
    with pytest.raises(Failed, match="does not compile against the library") as error:
        compile_program(
            "cc", str(tmp_path / "model_run"), [str(tmp_path)], [str(tmp_path), "-ltensorflow"], str(log)
        )
    assert error.value.log == str(log) and "c_api.h" in log.read_text()
