"""The whole program over fake driver libraries, on a machine whose bus shows no NVIDIA GPU and that has no module.

The expected causes are what is true there: the driver's own answers are believed where they speak of a GPU, and "no
driver" and "no device" agree with an empty bus."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import fakes

pytestmark = [
    pytest.mark.cc,
    pytest.mark.skipif(fakes.CC is None, reason="no C compiler"),
    pytest.mark.skipif(os.path.exists("/sys/module/nvidia"), reason="this machine has an NVIDIA module"),
]

#: Answers -> root causes, exit code; to these comes what is true of this machine itself (`of_this_machine`).
EXPECTED: dict[str, tuple[set[str], int]] = {
    "a100-8x": (set(), 0),
    "a100-8x-one-lost": ({"gpu-fell-off-bus"}, 1),
    "compat": ({"forward-compat-unsupported"}, 1),
    "h100-8x": (set(), 0),
    "h100-8x-ecc": ({"ecc-uncorrectable"}, 1),
    "h100-8x-mig": (set(), 0),
    "h100-8x-no-fabric": ({"nvlink-fabric-manager"}, 1),
    "mismatch": ({"driver-library-mismatch"}, 1),
    "not-loaded": ({"no-nvidia-gpu"}, 0),
    "rtx3050-laptop": (set(), 0),
    "rtx5090": (set(), 0),
    "rtx5090-hot": ({"gpu-thermal-slowdown"}, 0),
    "stub": ({"libcuda-stub-on-path"}, 1),
    "t4": (set(), 0),
    "t4-exclusive": ({"gpu-exclusive-mode", "pcie-link-degraded"}, 1),
    "unknown": ({"driver-not-answering"}, 1),
}


def of_this_machine(answers: Path) -> set[str]:
    """What is true here whatever the driver says, found out without gpudoctor: nvcc's own word, the limits, /dev/shm."""
    said = dict(line.split(" ", 1) for line in answers.read_text().splitlines() if not line.startswith("#"))
    driver = divmod(int(said["cuda_version"]) // 10, 100)
    found = set()
    if any(release > driver for release in toolkits_here()) and said.get("nvml.init") != "9":
        found.add("toolkit-newer-than-driver")
    shm = os.statvfs("/dev/shm")
    if shm.f_blocks * shm.f_frsize < 1 << 30:
        found.add("nccl-shared-memory")
    states = [s.read_text() for s in Path("/sys/class/infiniband").glob("*/ports/*/state")]
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if int(said.get("count", 0)) > 1 and 0 <= locked <= 8 << 20 and any("ACTIVE" in s for s in states):
        found.add("memlock-too-low")
    return found


@cache
def toolkits_here() -> tuple[tuple[int, int], ...]:
    programs = {p for p in (shutil.which("nvcc"), "/usr/local/cuda/bin/nvcc") if p and os.path.exists(p)}
    found = []
    for program in programs:
        ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True)
        release = re.search(r"release (\d+)\.(\d+)", ran.stdout)
        assert release is not None
        found.append((int(release[1]), int(release[2])))
    return tuple(found)


def check(file: Path, path: str = "", *arguments: str) -> dict[str, Any]:
    """No virtual environment, no start-up files: the frameworks of whoever runs the tests are not this test's."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("CUDA", "NVIDIA", "LD_", "VIRTUAL_ENV", "CONDA"))
    }
    environment = {
        **kept,
        "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
        "HOME": "/proc/nobody",  # where nobody can make a folder
        "XDG_CACHE_HOME": "/proc/nobody",
        "LD_LIBRARY_PATH": str(fakes.libraries("nvml", "cuda")),
        "FAKE_NVML": str(file),
        "FAKE_CUDA": str(file),
    }
    command = [sys.executable, "-m", "gpudoctor", "check", "--format", "json", "--timeout", "8"]
    # Other tests start and stop container engines meanwhile, and no process can be hidden from this one.
    command += ["--ignore", "container-toolkit-missing", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert ran.stderr == ""
    report: dict[str, Any] = json.loads(ran.stdout)
    assert report["exit_code"] == ran.returncode and report["crashed"] == []
    return report


def roots(report: dict[str, Any]) -> set[str]:
    """Less what is true while another test has a container engine running here: that it knows nothing of GPUs."""
    found = {f["id"] for f in report["findings"] if f["caused_by"] is None}
    return found - {"container-toolkit-missing"}


@pytest.fixture
def answers(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a machine's answers in a folder of its own, with other lines before them (the first of a key counts)."""

    def copy(name: str, *lines: str) -> Path:
        file = tmp_path / "answers.txt"
        file.write_text("".join(f"{line}\n" for line in lines) + fakes.answers(name).read_text())
        return file

    return copy


def test_every_file_of_answers_is_expected_here() -> None:
    assert {file.stem for file in (fakes.HERE / "answers").glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fake_machine_is_named_by_its_illness(name: str, answers: Callable[..., Path]) -> None:
    file = answers(name)
    report = check(file)
    causes, code = EXPECTED[name]
    assert (roots(report), report["exit_code"]) == (causes | of_this_machine(file), code), report["skipped"]
    assert causes or report["skipped"] == []  # on a healthy machine everything was looked at


@pytest.mark.parametrize(
    "line",
    [
        "crash nvmlInit_v2",
        pytest.param("hang nvmlInit_v2", marks=pytest.mark.slow),
        "crash cuInit",
        pytest.param("hang-family cuInit", marks=pytest.mark.slow),
    ],
)
def test_a_driver_that_dies_or_hangs_is_the_finding(answers: Callable[..., Path], line: str) -> None:
    report = check(answers("rtx5090", line))
    assert (roots(report), report["exit_code"]) == ({"driver-not-answering"}, 1)


def test_no_devices_were_found(tmp_path: Path) -> None:
    """nvidia-smi's 6, NVML without a device, libcuda's 100: they agree with a bus that shows none; the note says that
    the driver runs all the same."""
    file = tmp_path / "answers.txt"
    file.write_text("driver_version 550.163.01\ncuda_version 12040\ncount 0\ncuda.init 100\n")
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    smi.chmod(0o755)
    report = check(file, str(tmp_path))
    assert (roots(report), report["exit_code"]) == ({"no-nvidia-gpu"}, 0)
    found = report["findings"][0]
    said = {e["what"]: e["value"] for e in found["evidence"]}
    assert "the driver runs" in found["title"] and "rescan" in found["fix"]["commands"][1]
    assert said["nvidia-smi"] == "exit 6: No devices were found" and said["cuInit"].startswith("100 ")


def test_a_driver_whose_module_is_not_loaded_says_so_without_a_gpu() -> None:
    found = check(fakes.answers("not-loaded"))["findings"][0]
    said = {e["what"]: e["value"] for e in found["evidence"]}
    assert "module is not loaded" in found["title"] and said["nvmlInit"].startswith("9 ")


def test_these_faults_have_a_fix_each() -> None:
    """A mismatch, an unknown error, no module: three commands a person could copy are not the same."""
    fixes = []
    for name in ("mismatch", "unknown", "not-loaded"):
        finding = next(f for f in check(fakes.answers(name))["findings"] if f["caused_by"] is None)
        fixes.append(finding["fix"]["summary"])
    assert len(set(fixes)) == 3


def test_a_mismatch_without_numbers_says_it_once() -> None:
    titles = [f["title"] for f in check(fakes.answers("mismatch"))["findings"] if f["caused_by"] is None]
    assert "The kernel runs another driver version than the libraries are of" in titles


def test_a_lost_gpu_is_one_reason_for_all_that_can_not_be_asked_of_it(answers: Callable[..., Path]) -> None:
    skipped = check(answers("a100-8x-one-lost"))["skipped"]
    assert len(skipped) > 5 and {s["reason"] for s in skipped} == {"GPU 5: GPU is lost"}
