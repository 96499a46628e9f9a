"""Editing a JSON object in its text: order, numbers, escapes, indentation and line endings stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.runtimes.edited import newline_of, refuse_at

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Member(Record):
    """A member of an object: `start` of its key, `value` where its value starts, `end` behind the value (offsets)."""

    key: str
    start: int
    value: int
    end: int


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def members(text: str, at: int) -> tuple[list[Member], int]:
    """The members of the object that starts at `at`, and the offset of its closing brace. The text is known to be JSON."""
    found: list[Member] = []
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, colon = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, colon) + 1)
        _, end = _DECODER.raw_decode(text, value)
        found.append(Member(key, at, value, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found, at


def top(text: str) -> int:
    """Where the outermost object starts, behind a byte order mark."""
    return _skip(text, 1 if text.startswith("\ufeff") else 0)


def find(text: str, path: Sequence[str]) -> Member | None:
    """The member at `path`; of keys that stand there twice the last, which is the one that counts."""
    at = top(text)
    member: Member | None = None
    for key in path:
        if text[at : at + 1] != "{":
            return None
        member = next((m for m in reversed(members(text, at)[0]) if m.key == key), None)
        if member is None:
            return None
        at = member.value
    return member


def doubles(text: str) -> tuple[str, ...]:
    """Keys that stand more than once in one object, as dotted paths."""
    found: dict[str, None] = {}

    def walk(at: int, path: str) -> None:
        if text[at] != "{":
            return
        seen = set()
        for member in members(text, at)[0]:
            name = f"{path}{member.key}"
            if member.key in seen:
                found[name] = None
            seen.add(member.key)
            walk(member.value, f"{name}.")

    walk(top(text), "")
    return tuple(found)


def put(text: str, path: Sequence[str], value: Any) -> str:
    """Set the member at `path`; objects on the way are made where they are missing or null."""
    existing = find(text, path)
    if existing is not None:
        return text[: existing.value] + _render(text, value, len(path)) + text[existing.end :]
    if len(path) > 1:
        parent = find(text, path[:-1])
        if parent is None or text[parent.value : parent.end] == "null":
            return put(text, path[:-1], {path[-1]: value})
        at = parent.value
        if text[at] != "{":
            raise refuse_at(text, at, f'"{".".join(path[:-1])}" must be an object')
    else:
        at = top(text)
    rendered = f"{json.dumps(path[-1], ensure_ascii=False)}: {_render(text, value, len(path))}"
    inside, closing = members(text, at)
    if inside:
        last = inside[-1]
        return f"{text[: last.end]},{_between(text, at, inside, len(path))}{rendered}{text[last.end :]}"
    newline = newline_of(text)
    indent, outer = _unit(text) * len(path), _unit(text) * (len(path) - 1)
    return f"{text[: at + 1]}{newline}{indent}{rendered}{newline}{outer}{text[closing:]}"


def _between(text: str, at: int, inside: Sequence[Member], depth: int) -> str:
    """What stands between two members: as before the last one, or as after the opening brace."""
    if len(inside) > 1:
        gap = text[inside[-2].end : inside[-1].start].replace(",", "", 1)
    else:
        gap = text[at + 1 : inside[0].start]
        if not gap:
            return " "
    return gap


def take(text: str, path: Sequence[str]) -> str:
    """Take the member at `path` out (every one of that name), and every object on the way that this leaves empty."""
    member = find(text, path)
    if member is None:
        return text
    parent = find(text, path[:-1]) if len(path) > 1 else None
    at = parent.value if parent is not None else top(text)
    inside, closing = members(text, at)
    if len(inside) == 1:
        if len(path) > 1:
            return take(text, path[:-1])
        return f"{text[: at + 1]}{text[closing:]}"
    position = inside.index(member)
    if position:
        text = text[: inside[position - 1].end] + text[member.end :]
    else:
        text = text[: member.start] + text[inside[1].start :]
    return take(text, path)


def _unit(text: str) -> str:
    """The indentation of one level: that of the first member on a line of its own; four blanks where there is none."""
    match = re.search(r'\n([ \t]+)"', text)
    return match.group(1) if match else "    "


def _render(text: str, value: Any, depth: int) -> str:
    if "\n" not in text.strip() and len(text.strip()) > 2:  # all on one line: stay there
        return json.dumps(value, ensure_ascii=False)
    unit = _unit(text)
    lines = json.dumps(value, ensure_ascii=False, indent=unit).split("\n")
    return (newline_of(text) + unit * depth).join(lines)
