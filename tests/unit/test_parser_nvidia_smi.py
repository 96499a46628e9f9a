"""nvidia-smi's table. Texts are nvidia-smi's own (550.163.01, 535.261.03) over NVIDIA's simulated NVML of
k8s-test-infra, or composed where a docstring says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.parsers.nvidia_smi import SmiTable, parse_table

LOST = """\
Fri Nov 20 16:26:38 2026       
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
|   1  NVIDIA A100-SXM4-40GB          On  |   00000000:0F:00.0 Off |                 ERR! |
| N/A  ERR!    P0            ERR! /  400W | GPU is lost            |    ERR!      Default |
|                                         |                        |             Disabled |
+-----------------------------------------+------------------------+----------------------+
Failed to query device index
"""


def banner(text: str) -> tuple[str, str, str]:
    table = parse_table(text)
    return table.smi_version, table.kmd_version, table.cuda_version


def test_a_lost_gpu_leaves_the_banner_standing() -> None:
    table = parse_table(LOST)
    assert table == SmiTable("550.163.01", "550.163.01", "12.4", True, "Failed to query device index")


def test_an_older_nvidia_smi_beside_a_newer_driver() -> None:
    line = "| NVIDIA-SMI 535.261.03             Driver Version: 550.163.01   CUDA Version: 12.4     |"
    assert banner(line) == ("535.261.03", "550.163.01", "12.4")


def test_the_banner_since_r610() -> None:
    """Composed after the banner in the issues of 2026 (R610 renamed both labels)."""
    line = "| NVIDIA-SMI 610.43.02    KMD Version: 610.47    CUDA UMD Version: 13.3  |"
    assert banner(line) == ("610.43.02", "610.47", "13.3")


@pytest.mark.parametrize("word", ["N/A", "ERR!", "Not"])
def test_no_number_is_no_version(word: str) -> None:
    line = f"| NVIDIA-SMI 550.163.01   Driver Version: 550.163.01   CUDA Version: {word}  |"
    assert banner(line) == ("550.163.01", "550.163.01", "")


@pytest.mark.parametrize("cut", range(0, 96, 5))
def test_a_cut_banner_gives_no_half_numbers(cut: int) -> None:
    line = "| NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |"
    assert set(banner(line[:cut])) <= {"", "550.163.01", "12.4"}


@pytest.mark.parametrize(
    "sentence",
    [
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
        "NVIDIA driver is installed and running.",
        "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display "
        "Driver is properly installed and present in your system.",
        "Failed to initialize NVML: Driver/library version mismatch",
        "Failed to initialize NVML: Unknown Error",
        "No devices were found",
        "Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error",
    ],
)
def test_sentences_that_stand_in_place_of_a_table(sentence: str) -> None:
    assert parse_table(sentence + "\n\n") == SmiTable(error=sentence)


@given(st.text())
def test_any_text_at_all(text: str) -> None:
    assert isinstance(parse_table(text), SmiTable)
