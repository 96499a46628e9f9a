"""Redaction: nothing of a person and no secret comes out of any field; verdicts stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpudoctor.codec import decode, encode
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.workflows.redaction import Redactor
from tests.machines import healthy

PLANTED = (
    "hf_abcdEFGH1234567890abcdEFGH12",
    "ghp_0123456789abcdefghij0123456789abcdef",
    "sk-proj-0123456789abcdefABCDEF",
    "AKIAIOSFODNN7EXAMPLE",
    "glpat-XyZ0123456789abcdefg",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "nvapi-0123456789abcdefghijABCDEFGHIJ",
)


@pytest.mark.parametrize("token", PLANTED)
@pytest.mark.parametrize(
    "around", ["{}", "TOKEN={}", "/opt/x/{}/lib", "--key {} --gpus", "https://u:{}@host.example/p"]
)
def test_a_token_does_not_come_out(token: str, around: str) -> None:
    assert token not in Redactor().text(around.format(token))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2 x", "hunter2"),
        ("WANDB_API_KEY: 'abc123'", "abc123"),
        ("http://alice:pw@proxy.example:8080", "alice:pw"),
        ("mail alice@example.org", "alice@example.org"),
        ("/home/alice/venv/bin/python", "alice"),
        ("C:\\Users\\Alice\\x", "Alice"),
        ("eth0 at 10.1.2.3:22 and 52:54:00:12:34:56", "10.1.2.3"),
        ("eth0 at 10.1.2.3:22 and 52:54:00:12:34:56", "52:54:00:12:34:56"),
        ("kernel on gpubox7 says", "gpubox7"),
        ("opaque Zm9vYmFyYmF6MTIzNDU2Nzg5MGFiY2RlZg end", "Zm9vYmFyYmF6MTIzNDU2Nzg5MGFiY2RlZg"),
    ],
)
def test_people_hosts_and_secrets_do_not_come_out(text: str, secret: str) -> None:
    assert secret not in Redactor(("alice", "gpubox7")).text(text)


@pytest.mark.parametrize(
    "text",
    [
        "550.163.01",
        "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.550.163.01",
        "NVIDIA GeForce RTX 3050 Laptop GPU",
        "/home/ubuntu/venv/bin/python3",
        "nvidia-cudnn-cu12==9.10.2.21; platform_system == 'Linux'",
        "0000:3b:00.0",
        "/lib/modules/6.8.0-45-generic/updates/dkms/nvidia.ko",
        "Linux version 6.18.44 #1 SMP PREEMPT_DYNAMIC",
        "2.5.1+cu124",
    ],
)
def test_what_the_verdicts_need_stays(text: str) -> None:
    assert Redactor(("root", "bob")).text(text) == text


def test_equal_values_become_equal_pseudonyms() -> None:
    redactor = Redactor()
    first, second = "GPU-12345678-1234-1234-1234-123456780000", "GPU-12345678-1234-1234-1234-123456780001"
    one, two = redactor.text(first), redactor.text(second)
    assert one != two and redactor.text(f"CUDA_VISIBLE_DEVICES={first}").endswith(one)
    assert redactor.text("/home/alice/a") == redactor.text("/home/alice/a") != redactor.text("/home/bob/a")


def plant(data: Any, token: str) -> Any:
    """The token at the end of every string that is free text."""
    if isinstance(data, dict):
        return {k: plant(v, token) for k, v in data.items()}
    if isinstance(data, list):
        return [plant(v, token) for v in data]
    return f"{data} {token}" if isinstance(data, str) else data


@pytest.mark.parametrize("token", PLANTED)
def test_a_token_planted_in_every_field_never_comes_out(token: str) -> None:
    planted = plant(encode(healthy.h100_node()), token)
    assert token in json.dumps(planted)
    assert token not in json.dumps(Redactor().tree(planted))


@pytest.mark.parametrize("machine", healthy.ALL)
def test_the_verdicts_stay_the_same(machine: Any) -> None:
    made = machine()
    replayed = decode(Machine, Redactor(("alice",)).tree(encode(made)))
    assert [f.id for f in judge(replayed).findings] == [f.id for f in judge(made).findings]
    assert judge(replayed).passed == judge(made).passed
