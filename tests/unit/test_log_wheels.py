"""Which of the two it is that pip's list of versions tells: no wheel for this Python, or the wrong index."""

from __future__ import annotations

import pytest

from gpudoctor.workflows.diagnose import diagnose_text


def first(text: str) -> str:
    return next((d.id for d in diagnose_text(text).diagnoses if d.basis != "resemblance"), "")


def asked(wanted: str, versions: str, more: str = "") -> str:
    return f"ERROR: Could not find a version that satisfies the requirement {wanted} (from versions: {versions})\n{more}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (asked("torch==2.0.1+cu118", "2.0.0, 2.0.1, 2.1.0"), "pip-index-missing"),
        (asked("torch==2.0.1+cu118", "2.0.1+cu117, 2.1.0+cu121"), "pip-index-missing"),
        (asked("torch==1.8.2+cu111", "1.8.1, 1.9.0"), "pip-index-missing"),
        (asked("torch==1.13.1+cu117", "2.0.0, 2.0.0+cu117"), "python-version-no-wheel"),
        (asked("torch==2.6.0+cu124", "1.13.1, 2.0.0, 2.4.1"), "python-version-no-wheel"),
        (asked("torch==1.9.1+cu111", "1.11.0, 1.12.0", "Python 3.10"), "python-version-no-wheel"),
        (asked("torch==1.9.1+cu111", "1.11.0, 1.12.0", "Python 3.8"), "pip-index-missing"),
        (asked("torch==1.9.1+cu111", "0.1.2, 0.1.2.post1, 0.1.2.post2"), "python-version-no-wheel"),
        (asked("torch==1.5.0+cu101", "0.1.2, 0.1.2.post2", "Windows 10"), "pip-index-missing"),
        (asked("tensorflow==2.5.0", "2.8.0, 2.9.0"), "python-version-no-wheel"),
        (asked("torch==1.12.0", "none"), "python-version-no-wheel"),
        (
            asked("torch==2.6.0", "none", "--index-url https://download.pytorch.org/whl/cu131"),
            "pip-index-missing",
        ),
        (
            asked("torch==2.6.0", "none", "--index-url https://download.pytorch.org/whl/cu126"),
            "python-version-no-wheel",
        ),
        (
            asked("torch==2.6.0", "none", "Python 3.14 --index-url https://download.pytorch.org/whl/cu131"),
            "python-version-no-wheel",
        ),
        ("Python 3.12: I can't install tensorflow 2.13.0", "python-version-no-wheel"),
        ("Python 3.11: I can't install tensorflow 2.13.0", ""),
    ],
)
def test_the_list_of_versions_decides(text: str, cause: str) -> None:
    assert first(text) == cause
