"""Plain command lines are read without click, and mean what click would make of them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from gpudoctor.cli import check as click_check
from gpudoctor.cli import diagnose as click_diagnose
from gpudoctor.cli import preflight as click_preflight
from gpudoctor.cli.plain import check, command_of, diagnose, preflight, read_words

COMMANDS: list[tuple[ModuleType, click.Command, Any]] = [
    (check, click_check.command, check.check),
    (preflight, click_preflight.command, preflight.preflight),
]
WITH_FILES: list[tuple[ModuleType, click.Command, Any]] = [
    (diagnose, click_diagnose.command, diagnose.diagnose)
]


@pytest.mark.parametrize(("plain", "declared", "function"), COMMANDS + WITH_FILES)
def test_tables_agree_with_clicks_declarations(
    plain: ModuleType, declared: click.Command, function: Any
) -> None:
    options = {name: p for p in declared.params if isinstance(p, click.Option) for name in p.opts}
    for table, is_flag, multiple in (
        (plain.SWITCHES, True, False),
        (plain.VALUES, False, False),
        (plain.LISTS, False, True),
    ):
        for name, parameter in table.items():
            option = options.pop(name)
            assert (option.name, option.is_flag, option.multiple) == (parameter, is_flag, multiple), name
            kind = option.type
            assert (tuple(kind.choices) if isinstance(kind, click.Choice) else ()) == plain.CHOICES.get(
                name, ()
            )
            assert isinstance(kind, click.Choice) or kind.name in ("text", "cause", "boolean"), name
    assert set(options) <= {"--timeout", "--force"}  # what is left is click's


@pytest.mark.parametrize(("plain", "declared", "function"), COMMANDS + WITH_FILES)
def test_nothing_given_means_the_same(plain: ModuleType, declared: click.Command, function: Any) -> None:
    context = declared.make_context("x", [])
    own = {n: p.default for n, p in inspect.signature(function).parameters.items() if n != "job"}
    assert context.params == own


@pytest.mark.parametrize(
    "words",
    [
        ["a.log"],
        ["-", "--format", "json"],
        ["a.log", "-v", "b.log", "--output=c"],
        ["--redact", "--output", "c", "a.log", "-"],
    ],
)
def test_files_and_options_mean_what_click_makes_of_them(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(diagnose, "diagnose", lambda **given: seen.append(given) or 0)
    command = command_of(["diagnose", *words])
    assert command is not None and command() == 0
    context = click_diagnose.command.make_context("x", list(words))
    defaults = {"form": "text", "output": None, "redact": False, "verbose": False}
    assert {**defaults, **seen[0]} == context.params


READ_ALIKE = [
    ["--format", "json"],
    ["--format=json", "--strict", "-v"],
    ["--python", "a", "--python=b=c", "--output", "x y"],
    ["--policy", "p.toml", "--baseline=b.json", "--snapshot", "s"],
]


@pytest.mark.parametrize("words", READ_ALIKE)
@pytest.mark.parametrize(("plain", "declared", "function"), COMMANDS)
def test_plain_words_mean_what_click_makes_of_them(
    plain: ModuleType, declared: click.Command, function: Any, words: list[str]
) -> None:
    given = read_words(words, plain.SWITCHES, plain.VALUES, plain.LISTS, plain.CHOICES)
    assert given
    context = declared.make_context("x", list(words))
    assert {k: v for k, v in context.params.items() if v not in (None, False, ()) and given.get(k) != v} in (
        {},
        {"form": "text"},
    )
    assert all(context.params[name] == value for name, value in given.items())


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--format", "yaml"],
        ["check", "--form", "json"],
        ["check", "--output"],
        ["check", "--output", "--strict"],
        ["check", "--output="],
        ["check", "--output", "a", "--output", "b"],
        ["check", "--strict=1"],
        ["check", "--timeout", "5"],
        ["check", "--help"],
        ["check", "-vv"],
        ["check", "left-over"],
        ["check", "--", "left-over"],
        ["diagnose"],
        ["diagnose", "--", "train"],
        ["diagnose", "a.log", "--", "train"],
        ["diagnose", "a.log", "--format", "yaml"],
        ["diagnose", "a.log", "--output"],
        ["diagnose", "--help"],
        ["preflight", "init"],
        ["preflight", "--"],
        ["preflight", "true"],
        ["explain"],
        ["--version"],
        [],
    ],
)
def test_all_else_is_left_to_click(words: list[str]) -> None:
    assert command_of(words) is None


def test_completion_is_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_of(["check"])
    monkeypatch.setenv("_GPUDOCTOR_COMPLETE", "bash_complete")
    assert command_of(["check"]) is None


def test_the_job_keeps_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(preflight, "preflight", lambda job, **given: seen.append((job, given)) or 0)
    command = command_of(["preflight", "--strict", "--", "train", "--format", "json", "--", "-v"])
    assert command is not None and command() == 0
    assert seen == [(("train", "--format", "json", "--", "-v"), {"strict": True})]


def test_a_plain_check_imports_no_click(tmp_path: Path) -> None:
    code = (
        "import sys, gpudoctor.cli.entry as e; c = e.run(['check', '--format', 'json', '--output', sys.argv[1]]);"
        "print(c, 'click' in sys.modules, 'inspect' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "report")], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split()[1:] == ["False", "False"], done.stderr
