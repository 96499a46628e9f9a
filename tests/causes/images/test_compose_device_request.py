"""compose-device-request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import composed

CAUSE = "compose-device-request"


def service(devices: str) -> str:
    head = "services:\n  a:\n    image: x\n    deploy:\n      resources:\n        reservations:\n          devices:"
    return f"{head} {devices}\n"


@pytest.mark.parametrize(
    "devices",
    [
        "[{driver: nvidia, count: 1}]",
        "[{driver: nvidia, capabilities: [utility]}]",
        "[{driver: nvidia, count: 1, device_ids: ['0'], capabilities: [gpu]}]",
        "[{count: both, capabilities: [gpu]}]",
        "{driver: nvidia, capabilities: [gpu]}",
        "[{driver: nvidia, capabilities: gpu}]",
        "[nvidia]",
    ],
)
def test_a_request_that_compose_refuses(tmp_path: Path, devices: str) -> None:
    lines = composed(tmp_path, service(devices))
    assert set(lines) == {CAUSE} and set(lines[CAUSE]) == {7}


def test_in_the_wrong_place_and_gpus_with_a_word(tmp_path: Path) -> None:
    text = "services:\n  a:\n    deploy: {resources: {limits: {devices: [{capabilities: [gpu]}]}}}\n  b:\n    gpus: both\n"
    assert composed(tmp_path, text) == {CAUSE: [3, 5]}


@pytest.mark.parametrize(
    "devices",
    [
        "[{driver: nvidia, count: all, capabilities: [gpu]}]",
        "[{driver: nvidia, device_ids: ['0', '3'], capabilities: [gpu, utility]}]",
        "[{driver: cdi, device_ids: ['nvidia.com/gpu=all'], capabilities: [gpu]}]",
        "[{capabilities: [[gpu, compute]], count: '${N:-1}'}]",
    ],
)
def test_a_request_that_it_takes(tmp_path: Path, devices: str) -> None:
    assert composed(tmp_path, service(devices)) == {}


def test_the_short_form(tmp_path: Path) -> None:
    text = "services:\n  a: {image: x, gpus: all}\n  b: {image: x, gpus: [{driver: nvidia, count: 2}]}\n"
    assert composed(tmp_path, text) == {}
