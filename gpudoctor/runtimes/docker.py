"""Docker's daemon.json.

A sample, after `configure`:

    {
        "runtimes": {
            "nvidia": {
                "path": "/usr/bin/nvidia-container-runtime"
            }
        }
    }
"""

from __future__ import annotations

import json
import re
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.parsers import daemon_json
from gpudoctor.runtimes import json_text
from gpudoctor.runtimes.edited import Edited, Refused, newline_of, refuse_at

#: What a daemon that is told to read its file again (SIGHUP) takes over, of what we write; the rest waits for a restart.
#: Measured with 20.10.24 and 28.5.2; the documented list is in dockerd's manual, "Configuration reload behavior".
RELOADED = ("runtimes", "default-runtime")


class Wanted(Record):
    """`runtime`: its name. `path`: its program. `default`: make it the default runtime. `cdi`: turn `features.cdi` on.
    `cdi_dirs`: folders of CDI specifications (empty: as it is). `repoint`: an existing runtime of that name gets `path`
    too; its arguments stay."""

    path: str = ""
    runtime: str = "nvidia"
    default: bool = False
    cdi: bool = False
    cdi_dirs: tuple[str, ...] = ()
    repoint: bool = False


def read(text: str) -> dict[str, Any]:
    """The file as a dict, judged as strictly as dockerd does. Raises Refused with line and column."""
    plain = text.removeprefix("\ufeff")
    try:
        daemon_json.parse(plain)
    except ValueError as error:
        raise _placed(plain, str(error)) from error
    if not plain.strip():
        return {}
    data: dict[str, Any] = json.loads(plain)
    return data


def _placed(text: str, said: str) -> Refused:
    match = re.match(r"line (\d+), column (\d+): (.*)", said, re.DOTALL)
    if match:
        line, column, problem = int(match[1]), int(match[2]), match[3]
        if problem == "Extra data":
            return Refused(
                "there is more text behind the closing brace", line, column, "dockerd refuses it too"
            )
        hint = "--clean takes comments and extra commas out" if clean(text) is not None else ""
        return Refused(problem, line, column, hint)
    key = re.match(r'"([^"]+)" must be', said)
    member = json_text.find(text, [key[1]]) if key else None
    if member is not None:
        return refuse_at(text, member.value, said)
    entry = re.search(r'runtime "([^"]+)" must be', said)
    member = json_text.find(text, ["runtimes", entry[1]]) if entry else None
    return refuse_at(text, member.value, said) if member is not None else Refused(said)


def clean(text: str) -> str | None:
    """The text without comments and without commas before a closing bracket; None where that does not make it JSON.

    Blanks behind which a comment stood go with it; everything else stays where it is.
    """
    token = re.compile(r'"(?:[^"\\\n]|\\.)*"|[ \t]*(?://|#)[^\n\r]*|[ \t]*/\*.*?\*/', re.DOTALL)
    bare = token.sub(lambda m: m.group() if m.group().startswith('"') else "", text)
    comma = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=[ \t\r\n]*[}\]])')
    bare = comma.sub(lambda m: "" if m.group() == "," else m.group(), bare)
    try:
        daemon_json.parse(bare)
    except ValueError:
        return None
    return bare


def configure(text: str, wanted: Wanted) -> Edited:
    """Register the runtime. A runtime of that name that is there keeps its arguments and, unless `repoint`, its program.

    Raises Refused for text that dockerd would refuse.
    """
    data = read(text)
    notes = _doubled(text)
    before = text
    if not text.removeprefix("\ufeff").strip():
        text = text.rstrip("\n\r \t") + "{}" + (newline_of(text))
    changed: list[str] = []
    existing: Any = (data.get("runtimes") or {}).get(wanted.runtime)
    if wanted.path and existing is None:
        text = json_text.put(text, ["runtimes", wanted.runtime], {"path": wanted.path})
        changed.append(f"runtimes.{wanted.runtime}")
    elif wanted.path and wanted.repoint and existing.get("path") != wanted.path:
        text = json_text.put(text, ["runtimes", wanted.runtime, "path"], wanted.path)
        changed.append(f"runtimes.{wanted.runtime}.path")
    elif (
        wanted.path
        and existing is not None
        and existing.get("path", "")
        not in (
            wanted.path,
            wanted.path.rpartition("/")[2],
        )
    ):
        notes.append(
            f'the runtime "{wanted.runtime}" is there already and keeps its program {existing.get("path")}'
        )
    if wanted.default and data.get("default-runtime") != wanted.runtime:
        if data.get("default-runtime"):
            notes.append(f'the default runtime was "{data["default-runtime"]}"')
        text = json_text.put(text, ["default-runtime"], wanted.runtime)
        changed.append("default-runtime")
    default = data.get("default-runtime") or "runc"
    known = (*(data.get("runtimes") or {}), wanted.runtime, "runc")
    if not wanted.default and default not in known and not default.startswith("io.containerd."):
        notes.append(
            f'the default runtime "{default}" is not defined in this file: unless a flag of dockerd defines it, it will not start'
        )
    features = data.get("features")
    if wanted.cdi and not (isinstance(features, dict) and features.get("cdi") is True):
        text = json_text.put(text, ["features", "cdi"], True)
        changed.append("features.cdi")
    if wanted.cdi_dirs and tuple(data.get("cdi-spec-dirs") or ()) != wanted.cdi_dirs:
        text = json_text.put(text, ["cdi-spec-dirs"], list(wanted.cdi_dirs))
        changed.append("cdi-spec-dirs")
    return Edited(text if changed else before, tuple(changed), tuple(notes))


def unconfigure(text: str, wanted: Wanted) -> Edited:
    """Take out the runtime, and the default where it names that runtime: dockerd would not start with a default runtime that is
    not defined. `features.cdi` and `cdi-spec-dirs` go only where `wanted` asks for them."""
    data = read(text)
    notes = _doubled(text)
    before = text
    paths: list[tuple[str, ...]] = []
    if wanted.runtime in (data.get("runtimes") or {}):
        paths.append(("runtimes", wanted.runtime))
    if data.get("default-runtime") == wanted.runtime:
        paths.append(("default-runtime",))
    features = data.get("features")
    if wanted.cdi and isinstance(features, dict) and "cdi" in features:
        paths.append(("features", "cdi"))
    if wanted.cdi_dirs and tuple(data.get("cdi-spec-dirs") or ()) == wanted.cdi_dirs:
        paths.append(("cdi-spec-dirs",))
    for path in paths:
        text = json_text.take(text, path)
    return Edited(text if paths else before, tuple(".".join(path) for path in paths), tuple(notes))


def _doubled(text: str) -> list[str]:
    if not text.removeprefix("\ufeff").strip():
        return []
    return [
        f'"{name}" stands there more than once: dockerd takes the last' for name in json_text.doubles(text)
    ]


def only_reload(changed: tuple[str, ...]) -> bool:
    """A SIGHUP is enough for all of these changes."""
    return all(key.partition(".")[0] in RELOADED for key in changed)
