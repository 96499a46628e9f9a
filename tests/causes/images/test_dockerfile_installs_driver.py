"""dockerfile-installs-driver."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import END, found

CAUSE = "dockerfile-installs-driver"
BASE = "FROM ubuntu:22.04\n"


@pytest.mark.parametrize(
    "command",
    [
        "apt-get update && apt-get install -y --no-install-recommends nvidia-driver-550",
        "apt-get -y install cuda",
        "apt install -y gcc cuda-12-4",
        "apt-get install -y cuda-drivers-550 libnvidia-compute-550",
        "dnf install -y nvidia-driver-cuda",
        "sh cuda_12.4.1_550.54.15_linux.run --silent",
    ],
)
def test_a_package_that_brings_the_driver(tmp_path: Path, command: str) -> None:
    assert found(tmp_path, f"{BASE}RUN {command}\n{END}") == {CAUSE: [2]}


@pytest.mark.parametrize(
    "command",
    [
        "apt-get install -y cuda-toolkit-12-4 cuda-libraries-12-4 cuda-compat-12-4",
        "sh cuda_12.4.1_550.54.15_linux.run --silent --toolkit",
        "wget https://x/cuda_12.4.1_550.54.15_linux.run",
        "apt-get remove -y nvidia-driver-550",
        "apt-get install -y cuda-keyring libcudnn9-cuda-12",
    ],
)
def test_a_toolkit_without_it(tmp_path: Path, command: str) -> None:
    assert found(tmp_path, f"{BASE}RUN {command}\n{END}") == {}
