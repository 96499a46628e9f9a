"""Redaction: nothing of a person and no secret comes out of any field; verdicts stay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpudoctor.codec import decode, encode
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.workflows.redaction import Redactor, _full_name
from tests.machines import healthy
from tests.machines.parts import containers

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
        ("/opt/alice-venv/lib", "alice"),
        ("ALICE started it", "ALICE"),
        ("C:/Users/Alice/x", "Alice"),
        ("MASTER_ADDR=10.0.0.5", "10.0.0.5"),
        ("http_proxy: 'proxy at host=192.168.7.9'", "192.168.7.9"),
        ("from fe80::5054:ff:fe12:3456 on eth0", "fe80::5054:ff:fe12:3456"),
        ("to 2001:db8:0:1:2:3:4:5 it went", "2001:db8:0:1:2:3:4:5"),
        ("via 2001:db8::17.", "2001:db8::17"),
        ("card 52-54-00-12-34-56", "52-54-00-12-34-56"),
        ("node guid b859:9f03:00fc:6de4", "b859:9f03:00fc:6de4"),
        ("Serial Number : 1650522012345", "1650522012345"),
        ("board serial=PF3ABCDE", "PF3ABCDE"),
        ("Alice Kowalczyk's kernel", "Kowalczyk"),
        ("pkg @ https://alice:x@git.corp.example/a.whl", "corp.example"),
        ("ssh://alice@build17.corp.example:22", "build17"),
        ("NVIDIA-SMI has failed: alice@build17 said so", "build17"),
        ("opaque Zm9vYmFyYmF6MTIzNDU2Nzg5MGFiY2RlZg end", "Zm9vYmFyYmF6MTIzNDU2Nzg5MGFiY2RlZg"),
    ],
)
def test_people_hosts_and_secrets_do_not_come_out(text: str, secret: str) -> None:
    assert secret not in Redactor(("alice", "gpubox7", *_full_name("Alice Kowalczyk,Room 5,,"))).text(text)


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
        "libcublas=12.4.5.8 libcurand=10.3.5.147",
        "nvidia-curand-cu12==10.3.5.147",
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=71039, GPU has fallen off the bus.",
        "00000000:3B:00.0",
        "c 195:* rwm",
        "torch.ops.aten::add_ and std::string",
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


PEOPLE = (
    "alice@example.org",
    "/home/alice/venv",
    "C:\\Users\\Alice",
    "gpubox7.example.org",
    "10.1.2.3:29500",
    "fe80::5054:ff:fe12:3456",
    "52:54:00:12:34:56",
    "serial: 1650522012345",
)


@pytest.mark.parametrize("machine", [*healthy.ALL, containers.gpu_container])
def test_nothing_of_a_person_comes_out_of_any_field(machine: Any) -> None:
    planted = json.dumps(
        Redactor(("alice", "gpubox7.example.org", "gpubox7")).tree(plant(encode(machine()), " ".join(PEOPLE)))
    ).lower()
    for word in ("alice", "gpubox7", "10.1.2.3", "fe12:3456", "52:54:00", "1650522012345"):
        assert word not in planted, planted[planted.index(word) - 80 : planted.index(word) + 40]


def test_a_path_that_is_a_key_is_redacted_and_a_field_is_not() -> None:
    told = {"drop_ins": {"/home/alice/.config/containerd/conf.d/99-nvidia.toml": 2}}
    assert Redactor(("drop",)).tree(told) == {
        "drop_ins": {"/home/name-1/.config/containerd/conf.d/99-nvidia.toml": 2}
    }


@pytest.mark.parametrize("machine", healthy.ALL)
def test_the_verdicts_stay_the_same(machine: Any) -> None:
    made = machine()
    replayed = decode(Machine, Redactor(("alice",)).tree(encode(made)))
    assert [f.id for f in judge(replayed).findings] == [f.id for f in judge(made).findings]
    assert judge(replayed).passed == judge(made).passed
