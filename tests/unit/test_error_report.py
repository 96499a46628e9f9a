"""A command that refuses says so in JSON too, where JSON was asked for: one shape for all of them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from gpudoctor.cli import entry, output

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/error-1.json").read_text())


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(output, "printed", False)
    monkeypatch.setenv("GPUDOCTOR_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("words", "command", "what"),
    [
        ("check --select nonsense", "check", "no cause and no family named 'nonsense'"),
        ("fix nonsense", "fix", "nonsense"),
        ("undo 77", "undo", "there is no change '77'"),
        ("runtime configure docker --root /no/such", "runtime", "/no/such"),
        ("image verify /no/such.tar", "image verify", "/no/such.tar"),
        ("compat --nonsense", "compat", "nonsense"),
        ("chekc", "chekc", "there is no command 'chekc'"),
    ],
)
def test_the_error_is_a_report(
    words: str, command: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.run([*words.split(), "--format", "json"]) == 2
    said = capsys.readouterr()
    report = json.loads(said.out)
    jsonschema.validate(report, SCHEMA)
    assert (report["command"], report["exit_code"]) == (command, 2)
    assert what in report["error"]["what"] and report["error"]["what"] in said.err
    assert "findings" not in report  # an error is no clean bill of health


@pytest.mark.parametrize(
    "words",
    [
        "check --select nonsense",
        "check --select nonsense --format text",
        "check --select nonsense --format json --output FILE",
        "preflight --policy /no/such -- true --format json",
    ],
)
def test_where_nobody_waits_for_json_there_is_none(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    assert entry.run(words.replace("FILE", str(file)).split()) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and not file.exists()


def test_a_report_that_is_out_is_not_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "printed", True)
    assert entry.run(["undo", "77", "--format=json"]) == 2
    assert capsys.readouterr().out == ""
