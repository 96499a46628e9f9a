"""image-lacks-nvidia-variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images import NVIDIA_ENV, causes, finding, healthy, judgement

CAUSE = "image-lacks-nvidia-variables"
PLAIN = {"PATH": NVIDIA_ENV["PATH"]}


@pytest.mark.parametrize(
    ("env", "severity", "command"),
    [
        (PLAIN, "warning", "NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility"),
        ({**PLAIN, "NVIDIA_VISIBLE_DEVICES": "all"}, "warning", "=compute,utility"),
        ({**NVIDIA_ENV, "NVIDIA_DRIVER_CAPABILITIES": "utility"}, "failure", "=utility,compute"),
        ({**NVIDIA_ENV, "NVIDIA_VISIBLE_DEVICES": "void"}, "failure", "NVIDIA_VISIBLE_DEVICES=all"),
    ],
    ids=["neither", "capabilities", "utility-alone", "void"],
)
def test_what_is_not_asked_for(tmp_path: Path, env: dict[str, str], severity: str, command: str) -> None:
    found = judgement(tmp_path, healthy(), env)
    assert {f.id for f in found.findings} == {CAUSE}
    one = finding(found, CAUSE)
    assert one.severity == severity and one.fix is not None and command in one.fix.commands[0]


@pytest.mark.parametrize("capabilities", ["all", "graphics,utility, compute"])
def test_more_than_needed_is_well(tmp_path: Path, capabilities: str) -> None:
    assert causes(tmp_path, healthy(), {**NVIDIA_ENV, "NVIDIA_DRIVER_CAPABILITIES": capabilities}) == set()
