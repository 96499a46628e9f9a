"""Plain command lines, read without click: importing it takes longer than asking a machine without a GPU.

`check` and `preflight` stand at the beginning of jobs and are run by the thousand; `diagnose` is waited for by somebody. What is spelled as declared is read
here: whole option names, each value in the next word or behind "=". All else goes to click, which sees the same words:
short options but -v, a value that could be an option, an option given twice, --help, completion, and every mistake. So
click alone explains and refuses. tests/unit/test_plain.py holds these tables against click's declarations.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: The commands that have a module here: its `read(words)` gives what is to be called, or None.
READ_HERE = ("check", "diagnose", "preflight")


def command_of(arguments: Sequence[str]) -> Callable[[], int] | None:
    """What this command line asks for; None where click has to read it."""
    if not arguments or arguments[0] not in READ_HERE:
        return None
    if sys.platform == "win32" or "_GPUDOCTOR_COMPLETE" in os.environ:  # click expands * and ~ on Windows
        return None
    read = importlib.import_module(f"gpudoctor.cli.plain.{arguments[0]}").read
    found: Callable[[], int] | None = read(arguments[1:])
    return found


def read_words(
    words: Sequence[str],
    switches: Mapping[str, str],
    values: Mapping[str, str],
    lists: Mapping[str, str],
    choices: Mapping[str, tuple[str, ...]],
) -> dict[str, Any] | None:
    """The keyword arguments that these words mean, or None. The tables: option -> parameter; `lists` are repeatable.
    `choices`: option -> the values it takes.

    >>> read_words(["--strict", "--output=a"], {"--strict": "strict"}, {"--output": "output"}, {}, {})
    {'strict': True, 'output': 'a'}
    """
    given: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if word in switches:
            given[switches[word]] = True
            continue
        option, assigned, value = word.partition("=")
        if not assigned:
            value = next(rest, "")
        if not value or value.startswith("-") or value not in choices.get(option, (value,)):
            return None
        if option in lists:
            name = lists[option]
            given[name] = (*given.get(name, ()), value)
        elif option in values and values[option] not in given:
            given[values[option]] = value
        else:
            return None
    return given
