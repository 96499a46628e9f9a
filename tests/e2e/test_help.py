"""Every command's --help can be worked from: what it does, what it exits with, an example, an explanation of each option."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from gpudoctor.cli.main import COMMANDS, cli, run


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


ALL = dict(_commands(cli))


@pytest.mark.parametrize("name", ALL)
def test_its_help_has_exit_codes_examples_and_a_word_on_each_option(name: str) -> None:
    command = ALL[name]
    text = command.help or ""
    assert "Exit codes: 0 " in " ".join(text.split()), "no exit codes"
    assert "Example" in text and f"gpudoctor {name.split()[0]}" in text, "no example"
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help or "--format" in option.opts, option.opts  # its choices say all


@pytest.mark.parametrize("name", ALL)
def test_options_of_one_meaning_have_one_name(name: str) -> None:
    flags = {flag for option in ALL[name].params for flag in option.opts if isinstance(option, click.Option)}
    strangers = {
        "--json",
        "--out",
        "-o",
        "--quiet",
        "--debug",
        "--dry",
        "--interpreter",
        "--gpu-name",
        "--force-yes",
    }
    assert not flags & strangers
    assert ("--verbose" in flags) == ("-v" in flags)
    assert "--output" in flags or "--format" not in flags, "a report that can't go to a file"


def test_the_readme_names_every_command() -> None:
    from pathlib import Path

    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    for name in COMMANDS:
        assert f"`gpudoctor {name}" in readme, name


@pytest.mark.parametrize("arguments", [(), ("image",), ("runtime",)])
def test_without_a_command_its_help_is_shown_as_help(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    run(arguments)
    out, err = capsys.readouterr()
    shown = out + err
    assert shown.startswith("Usage: gpudoctor") and "\nCommands:\n" in shown and "error:" not in shown


def test_a_missing_argument_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan"]) == 2
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("error: missing argument 'TARGET'. Choose from: torch, ")
    assert [line.split()[0] for line in rest] == ["at:", "note:", "hint:"]
