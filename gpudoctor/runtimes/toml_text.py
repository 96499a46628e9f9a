"""Editing TOML in its text: comments, order, blanks and line endings stay as they are.

A document is a row of statements: table headers and `key = value` lines. An edit puts lines between them or replaces a value's
characters; then both texts are parsed, and unless the new one says exactly what the old one said plus what was asked, the edit is
refused. So a shape of TOML that was not thought of here ends in an error, never in another meaning.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.codec import toml_loads
from gpudoctor.facts.record import Record
from gpudoctor.runtimes.edited import Refused, newline_of, place, refuse_at

Path = tuple[str, ...]

_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)


class Statement(Record):
    """`kind`: "table", "array" (of tables) or "value". `path`: full path of the table or key. `start`: where its line starts;
    `end`: behind its line's end. `value`, `value_end`: the characters of a value."""

    kind: str
    path: Path
    start: int
    end: int
    value: int = 0
    value_end: int = 0


def statements(text: str) -> list[Statement]:
    """Of a text that is known to be TOML."""
    found: list[Statement] = []
    table: Path = ()
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end].strip()
        if not line or line.startswith("#"):
            at = end
            continue
        if line.startswith("["):
            opening = text.index("[", at)
            double = text.startswith("[[", opening)
            table, _ = _keys(text, opening + (2 if double else 1))
            found.append(Statement("array" if double else "table", table, at, end))
        else:
            path, equals = _keys(text, at)
            value = equals + 1
            while text[value] in " \t":
                value += 1
            stop = _value_end(text, value)
            end = _line_end(text, stop)
            found.append(Statement("value", (*table, *path), at, end, value, stop))
        at = end
    return found


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _keys(text: str, at: int) -> tuple[Path, int]:
    """A dotted key and the offset behind it."""
    keys: list[str] = []
    while match := _KEY.match(text, at):
        basic, literal, bare = match.groups()
        keys.append(str(toml_loads(f'k = "{basic}"')["k"]) if basic is not None else literal or bare or "")
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(keys), at


def _value_end(text: str, at: int) -> int:
    """Behind the value that starts at `at`: a string, an array or inline table (comments inside), or a bare word."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            match = _STRING.match(text, at)
            at = match.end() if match else at + 1
        elif char == "#":
            if not depth:
                break
            at = _line_end(text, at) - 1
        elif char in "[{":
            depth += 1
            at += 1
        elif char in "]}":
            depth -= 1
            at += 1
        elif char == "\n" and not depth:
            break
        elif char in " \t\r\n,":
            at += 1
        else:
            while at < len(text) and text[at] not in " \t\r\n,]}#\"'[{":
                at += 1
        if not depth and (at >= len(text) or text[at] in " \t\r\n#"):
            rest = text[at : _line_end(text, at)].strip()
            if not rest or rest.startswith("#"):
                break
    return at


def read(text: str) -> dict[str, Any]:
    """The document. Raises Refused with line and column."""
    try:
        return toml_loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except ValueError as error:
        match = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        if match:
            raise Refused(str(error)[: match.start()], int(match[1]), int(match[2])) from error
        if "at end of document" in str(error):
            last = text.rstrip("\n")
            raise refuse_at(last, len(last), "the document ends too early") from error
        raise Refused(str(error)) from error


def get(data: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value at `path`, None where there is none."""
    at: Any = data
    for key in path:
        at = at.get(key) if isinstance(at, dict) else None
    return at


def render(value: Any) -> str:
    """A scalar, a list or an inline table as TOML. Strings are basic strings, whose escapes are JSON's."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(render, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{key_text((k,))} = {render(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return str(value)


def key_text(path: Sequence[str]) -> str:
    """
    >>> key_text(("plugins", "io.containerd.grpc.v1.cri"))
    'plugins."io.containerd.grpc.v1.cri"'
    """
    return ".".join(k if re.fullmatch(r"[A-Za-z0-9_-]+", k) else render(k) for k in path)


class Document:
    """A text that is being edited, and what it must say afterwards."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = read(text)
        self.newline = newline_of(text)

    # ------------------------------------------------------------ asking

    def get(self, *path: str) -> Any:
        return get(self.data, path)

    def _statement(self, path: Path, kinds: Sequence[str] = ("table",)) -> Statement | None:
        return next((s for s in statements(self.text) if s.kind in kinds and s.path == path), None)

    def _indent(self, statement: Statement) -> str:
        line = self.text[statement.start : statement.end]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _refuse(self, path: Path, problem: str) -> Refused:
        at = next(
            (s for s in statements(self.text) if s.path == path[: len(s.path)] and s.kind == "value"), None
        )
        line, column = place(self.text, at.value) if at else (0, 0)
        return Refused(problem, line, column, "write it as a table of its own, then try again")

    # ------------------------------------------------------------ changing

    def put(self, path: Path, value: Any) -> None:
        """Set a key to a scalar or a list. A commented-out line of that key (`#no-cgroups = false`) gets the new one below it."""
        expected = copy.deepcopy(self.data)
        _put(expected, path, value, self)
        existing = self._statement(path, ("value",))
        if existing is not None:
            text = self.text[: existing.value] + render(value) + self.text[existing.value_end :]
        else:
            text = self._with_line(path, f"{key_text(path[-1:])} = {render(value)}")
        self._accept(text, expected, path)

    def _with_line(self, path: Path, line: str) -> str:
        table = path[:-1]
        all_of = statements(self.text)
        header = next((s for s in all_of if s.kind == "table" and s.path == table), None)
        if table and header is None:
            return self._appended(f"[{key_text(table)}]{self.newline}{line}{self.newline}", len(self.text))
        start = header.end if header else (1 if self.text.startswith("\ufeff") else 0)
        after = [s for s in all_of if s.start >= start]
        stop = next((s.start for s in after if s.kind != "value"), len(self.text))
        values = [s for s in after if s.start < stop]
        commented = re.compile(rf"^([ \t]*)#[ \t]*{re.escape(key_text(path[-1:]))}[ \t]*=.*\n?", re.MULTILINE)
        hint = commented.search(self.text, start, stop)
        if hint:
            at, indent = hint.end(), hint.group(1)
        elif values:
            at, indent = values[-1].end, self._indent(values[0])
        else:
            at, indent = start, self._indent(header) + "  " if header and self._indent(header) else ""
        if at and not self.text[:at].endswith("\n") and at > (1 if self.text.startswith("\ufeff") else 0):
            return f"{self.text[:at]}{self.newline}{indent}{line}{self.text[at:]}"
        return f"{self.text[:at]}{indent}{line}{self.newline}{self.text[at:]}"

    def drop(self, path: Path) -> None:
        """Take a key's line out, and its table's header where that was made for it; nothing where it is not there."""
        existing = self._statement(path, ("value",))
        if existing is None:
            if self.get(*path) is not None:
                raise self._refuse(path, f"{key_text(path)} is not on a line of its own")
            return
        expected = copy.deepcopy(self.data)
        _drop(expected, path)
        start, end = self._with_header(existing)
        if end == len(self.text) and not self.text.endswith(
            "\n"
        ):  # the last line had no end: the one before loses its
            start -= len(self.newline) if self.text[:start].endswith(self.newline) else 0
        self._accept(self.text[:start] + self.text[end:], expected, path)

    def _with_header(self, only: Statement) -> tuple[int, int]:
        """The line alone, or with the header that `put` made for it: a blank line before it, nothing else and no sub-table behind."""
        all_of = statements(self.text)
        number = all_of.index(only)
        before = all_of[number - 1] if number else None
        after = all_of[number + 1] if number + 1 < len(all_of) else None
        table = only.path[:-1]
        if (
            before is None
            or before.kind != "table"
            or before.path != table
            or self.text[before.end : only.start].strip()
            or not self.text[: before.start].endswith(self.newline * 2)
            or (after is not None and (after.kind == "value" or after.path[: len(table)] == table))
        ):
            return only.start, only.end
        return before.start - len(self.newline), only.end

    def add_table(self, path: Path, table: Mapping[str, Any], after: Path = (), comment: str = "") -> None:
        """A new table with its sub-tables, behind the table `after` (and its sub-tables), else at the end; with a comment line
        above it."""
        expected = copy.deepcopy(self.data)
        _put(expected, path, copy.deepcopy(dict(table)), self)
        indent, at = "", len(self.text)
        if after:
            headers = [s for s in statements(self.text) if s.kind != "value"]
            mine = [n for n, s in enumerate(headers) if s.path[: len(after)] == after]
            if mine:
                first, last = headers[mine[0]], headers[mine[-1]]
                indent = self._indent(first)
                bound = headers[mine[-1] + 1].start if mine[-1] + 1 < len(headers) else len(self.text)
                at = max(s.end for s in statements(self.text) if last.start <= s.start < bound)
        block = (f"{indent}{comment}{self.newline}" if comment else "") + self._block(path, table, indent)
        self._accept(self._appended(block, at), expected, path)

    def _block(self, path: Path, table: Mapping[str, Any], indent: str) -> str:
        lines = [f"{indent}[{key_text(path)}]"]
        step = "  " if indent else ""
        lines += [
            f"{indent}{step}{key_text((key,))} = {render(value)}"
            for key, value in table.items()
            if not isinstance(value, dict)
        ]
        block = self.newline.join(lines) + self.newline
        for key, value in table.items():
            if isinstance(value, dict):
                block += self.newline + self._block((*path, key), value, indent + step)
        return block

    def _appended(self, block: str, at: int) -> str:
        before, behind = self.text[:at], self.text[at:]
        if not before.strip("\ufeff"):
            return before + block + behind
        if before.endswith("\n"):
            return before + self.newline + block + behind
        # No line end at the end of the file: it stays so, and taking the block out gives the same bytes again.
        return before + self.newline * 2 + block.removesuffix(self.newline) + behind

    def drop_table(self, path: Path, comment: str = "") -> None:
        """Take a table and its sub-tables out, with the blank line before them. With a `comment`: only one that has this line
        above it, and that line too."""
        if self.get(*path) is None or (comment and not self._commented(path, comment)):
            return
        expected = copy.deepcopy(self.data)
        _drop(expected, path)
        text, whole = self.text, self.text.endswith("\n")
        for start, end in reversed(self._ranges(path)):
            if comment and text[:start].rstrip().endswith(comment):
                start = text.rfind("\n", 0, text.rfind(comment, 0, start)) + 1
            if text[:start].endswith(self.newline * 2) or text[:start] == self.newline:
                start -= len(self.newline)
            if end == len(text) and not whole and text[:start].endswith(self.newline):
                start -= len(self.newline)
            text = text[:start] + text[end:]
        self._accept(text, expected, path)

    def _commented(self, path: Path, comment: str) -> bool:
        header = self._statement(path)
        return header is not None and self.text[: header.start].rstrip().endswith(comment)

    def _ranges(self, path: Path) -> list[tuple[int, int]]:
        """The characters of a table and its sub-tables; tables that follow each other are one range."""
        found: list[tuple[int, int]] = []
        mine = going_on = False
        for statement in statements(self.text):
            if statement.kind != "value":
                mine = statement.path[: len(path)] == path
            if mine:
                start = found.pop()[0] if going_on else statement.start
                found.append((start, statement.end))
            going_on = mine
        return found

    def _accept(self, text: str, expected: dict[str, Any], path: Path) -> None:
        try:
            data = read(text)
        except Refused:
            data = None
        if data is None or _without_empty(data) != _without_empty(expected):
            raise self._refuse(
                path, f"{key_text(path)} can't be changed without touching what stands around it"
            )
        self.text, self.data = text, data


def _put(data: dict[str, Any], path: Path, value: Any, document: Document) -> None:
    for key in path[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise document._refuse(path, f"{key} is no table")
    data[path[-1]] = value


def _drop(data: dict[str, Any], path: Path) -> None:
    parent = get(data, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)


def _without_empty(value: Any) -> Any:
    """A table that exists only because of what stands in it comes and goes with that."""
    if not isinstance(value, dict):
        return value
    return {k: kept for k, v in value.items() if (kept := _without_empty(v)) != {}}
