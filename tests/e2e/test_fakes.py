"""The whole program over fake driver libraries, on a machine whose bus shows no NVIDIA GPU and that has no module.

The expected causes are what is true there: the driver's own answers are believed where they speak of a GPU, and "no
driver" and "no device" agree with an empty bus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import fakes

pytestmark = [
    pytest.mark.cc,
    pytest.mark.skipif(fakes.CC is None, reason="no C compiler"),
    pytest.mark.skipif(os.path.exists("/sys/module/nvidia"), reason="this machine has an NVIDIA module"),
]

#: What this machine's own toolkit, limits and memory may add, whatever the driver says.
OF_THE_MACHINE = {"toolkit-newer-than-driver", "memlock-too-low", "nccl-shared-memory"}
#: Answers -> root causes, exit code.
EXPECTED: dict[str, tuple[set[str], int]] = {
    "a100-8x-one-lost": ({"gpu-fell-off-bus"}, 1),
    "compat": ({"forward-compat-unsupported"}, 1),
    "h100-8x": (set(), 0),
    "h100-8x-ecc": ({"ecc-uncorrectable"}, 1),
    "h100-8x-mig": (set(), 0),
    "h100-8x-no-fabric": ({"nvlink-fabric-manager"}, 1),
    "mismatch": ({"driver-library-mismatch"}, 1),
    "not-loaded": ({"no-nvidia-gpu"}, 0),
    "rtx3050-laptop": (set(), 0),
    "rtx5090": ({"gpu-thermal-slowdown"}, 0),
    "stub": ({"libcuda-stub-on-path"}, 1),
    "t4": ({"gpu-exclusive-mode", "pcie-link-degraded"}, 1),
    "unknown": ({"driver-not-answering"}, 1),
}


def check(file: Path, path: str = "") -> dict[str, Any]:
    environment = {
        **os.environ,
        "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
        "LD_LIBRARY_PATH": str(fakes.libraries("nvml", "cuda")),
        "FAKE_NVML": str(file),
        "FAKE_CUDA": str(file),
    }
    command = [sys.executable, "-m", "gpudoctor", "check", "--format", "json", "--timeout", "8"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert ran.stderr == ""
    report: dict[str, Any] = json.loads(ran.stdout)
    assert report["exit_code"] == ran.returncode and report["crashed"] == []
    return report


def roots(report: dict[str, Any]) -> set[str]:
    return {f["id"] for f in report["findings"] if f["caused_by"] is None} - OF_THE_MACHINE


def test_every_file_of_answers_is_expected_here() -> None:
    assert {file.stem for file in (fakes.HERE / "answers").glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fake_machine_is_named_by_its_illness(name: str) -> None:
    report = check(fakes.answers(name))
    assert (roots(report), report["exit_code"]) == EXPECTED[name]


@pytest.mark.parametrize(
    "line", ["crash nvmlInit_v2", "hang nvmlInit_v2", "crash cuInit", "hang-family cuInit"]
)
def test_a_driver_that_dies_or_hangs_is_the_finding(tmp_path: Path, line: str) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(f"{line}\n{fakes.answers('rtx3050-laptop').read_text()}")
    report = check(file)
    assert (roots(report), report["exit_code"]) == ({"driver-not-answering"}, 1)


def test_no_devices_were_found(tmp_path: Path) -> None:
    """nvidia-smi's 6, NVML without a device, libcuda's 100: they agree with a bus that shows none."""
    file = tmp_path / "answers.txt"
    file.write_text("driver_version 550.163.01\ncuda_version 12040\ncount 0\ncuda.init 100\n")
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    smi.chmod(0o755)
    report = check(file, str(tmp_path))
    assert (roots(report), report["exit_code"]) == ({"no-nvidia-gpu"}, 0)


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
