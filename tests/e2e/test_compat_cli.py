"""`gpudoctor compat` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gpudoctor.advice.question import KEYS
from gpudoctor.cli.compat import OPTIONS
from gpudoctor.codec import schema
from gpudoctor.report.compat import CompatReport
from tests.e2e.test_cli import gpudoctor

MANUAL = ("--gpu", "RTX 5090", "--driver", "570.86.10", "--torch", "2.5.1+cu124", "--python", "3.12")


def test_a_no_says_why_what_it_needs_and_what_works() -> None:
    ran = gpudoctor("compat", *MANUAL)
    assert ran.returncode == 1 and ran.stderr == ""
    for words in (
        "not compatible",
        "wheel-lacks-gpu-arch",
        "sm_120",
        "nearest that works: torch 2.7.1+cu128",
    ):
        assert words in ran.stdout


def test_exit_codes() -> None:
    assert gpudoctor("compat", "--driver", "550.54.14", "--cuda", "12.4").returncode == 0
    assert gpudoctor("compat", "--gpu", "GT 1030", "--torch", "2.8.0").returncode == 2
    assert gpudoctor("compat").returncode == 2
    assert gpudoctor("compat", "--batch", "x", "--gpu", "T4").returncode == 2


def test_bad_input_names_the_nearest_and_gives_no_verdict() -> None:
    ran = gpudoctor("compat", "--gpu", "RTX 5096", "--torch", "2.8.0")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "RTX 5090" in ran.stderr and "nothing was judged" in ran.stderr


@pytest.mark.parametrize("question", [MANUAL, ("--driver", "535", "--cuda", "12.8"), ("--gpu", "GT 1030")])
def test_json_fits_its_schema(question: tuple[str, ...]) -> None:
    ran = gpudoctor("compat", *question, "--format", "json")
    data = json.loads(ran.stdout)
    jsonschema.Draft202012Validator(schema(CompatReport, "urn:x", "x")).validate(data)
    assert data["exit_code"] == ran.returncode and data["command"] == "compat"
    assert data["compatible"] == {0: True, 1: False, 2: None}[ran.returncode]


def test_batch(tmp_path: Path) -> None:
    file = tmp_path / "matrix.jsonl"
    file.write_bytes(
        b'{"driver": "550.54.14", "cuda": "12.4"}\n\n{"gpu": "RTX 5096"}\r\n{"gpu": "V100", "torch": "2.11.0"}'
    )
    ran = gpudoctor("compat", "--batch", str(file))
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 2 and [a["compatible"] for a in answers] == [True, None, None, False]
    assert ["error" in a for a in answers] == [False, True, True, False]
    file.write_text('{"driver": "550.54.14", "cuda": "12.4"}\n{"driver": "470.82.01", "cuda": "12.4"}\n')
    out = tmp_path / "answers.jsonl"
    assert gpudoctor("compat", "--batch", str(file), "--output", str(out)).returncode == 0
    assert len(out.read_text().splitlines()) == 2
    assert gpudoctor("compat", "--batch", str(tmp_path / "none")).returncode == 2


def test_every_key_is_an_option_and_every_option_a_key() -> None:
    assert {name.replace("-", "_") for name in OPTIONS} == set(KEYS)
