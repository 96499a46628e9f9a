"""Who complains in a line: a program that failed, a person; and not a manual, a table, a change log or a quiet machine."""

from __future__ import annotations

import pytest

from gpudoctor.logs.complaints import complains


@pytest.mark.parametrize(
    "line",
    [
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        "docker: Error response from daemon: could not select device driver",
        "make[1]: *** [Makefile:131: modules] Error 2",
        "NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.",
        "torch.cuda.is_available() returns False",
        "[    7.911] NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x26:0x56:1474)",
        "Why does my training run on the CPU?",
        "装好驱动以后还是不能用显卡",
    ],
)
def test_somebody_complains(line: str) -> None:
    assert complains(line)


@pytest.mark.parametrize(
    "line",
    [
        "Clang version: Could not collect",
        "Remapping Failure Occurred : No",
        "# HELP DCGM_FI_DEV_XID_ERRORS Value of the last XID error encountered.",
        "-p, --reset-ecc-errors= Reset ECC error counts: 0/VOLATILE, 1/AGGREGATE",
        "- Fixed an out of memory error in beam search on multi-GPU machines",
        "[    4.610101] ucsi_ccg 0-0008: i2c_transfer failed -110",
        "mlx5_core 0000:01:00.0: Port module event: module 0, Cable unplugged; failed to load firmware dump",
        "INFO 11-05 10:12:10 selector.py:224] Cannot use FlashAttention-2 backend for Volta and Turing GPUs.",
        "| 0  N/A  N/A  1204  C  python  ERR! |",
        "Pages can be retired. This can happen when errors cannot be corrected. Such pages are listed here.",
        "Install the driver before the toolkit.",
    ],
)
def test_nobody_complains(line: str) -> None:
    assert not complains(line)
