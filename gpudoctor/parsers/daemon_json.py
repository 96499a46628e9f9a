"""Docker's daemon.json, as strict as dockerd: no comments, no trailing commas, the right types.

A sample:

    {"runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}}, "default-runtime": "nvidia"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from gpudoctor.facts.record import Record


class DaemonConfig(Record):
    """`runtimes`: name -> program (a shim's type when it has no path). `keys`: every top-level key."""

    keys: tuple[str, ...] = ()
    runtimes: Mapping[str, str] = {}
    default_runtime: str = ""
    cdi_dirs: tuple[str, ...] = ()
    exec_options: tuple[str, ...] = ()


def parse(text: str) -> DaemonConfig:
    """Raises ValueError with line and column. An empty file and a byte order mark are fine with dockerd, so here."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return DaemonConfig()
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {_words(error, text)}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("line 1, column 1: not an object")
    runtimes = _typed(data, "runtimes", dict, {})
    return DaemonConfig(
        tuple(data),
        {name: _program(name, entry) for name, entry in runtimes.items()},
        _typed(data, "default-runtime", str, ""),
        _strings(data, "cdi-spec-dirs"),
        _strings(data, "exec-opts"),
    )


def _words(error: json.JSONDecodeError, text: str) -> str:
    """What people wrongly write into it has a name; the rest is told in the parser's words."""
    here = text[error.pos :].lstrip()
    after_comma = here[1:].lstrip()[:1] if here.startswith(",") else ""
    if after_comma in ("}", "]"):  # Python 3.13 points at the comma, older ones behind it
        return f"a comma before the closing {after_comma}"
    if here.startswith(("//", "/*", "#")):
        return "a comment, which JSON does not have"
    if here[:1] in ("}", "]") and text[: error.pos].rstrip().endswith(","):
        return f"a comma before the closing {here[0]}"
    if text[: error.pos].rstrip().endswith(",") and text[error.pos : error.pos + 1] == ",":
        return "a comma before the closing bracket"
    return error.msg


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _typed(data: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
    value = data.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        wanted = {"dict": "an object", "str": "a string", "list": "a list"}[kind.__name__]
        raise ValueError(f'"{key}" must be {wanted}')
    return value


def _strings(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = _typed(data, key, list, [])
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f'"{key}" must hold strings')
    return tuple(values)


def _program(name: str, entry: Any) -> str:
    if not isinstance(entry, dict):
        raise ValueError(f'runtime "{name}" must be an object')
    program = entry.get("path") or entry.get("runtimeType") or ""
    if not isinstance(program, str):
        raise ValueError(f'the path of runtime "{name}" must be a string')
    return program
