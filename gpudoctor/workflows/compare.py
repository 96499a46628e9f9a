"""`diff`: what changed between two snapshots ("it worked yesterday")."""

from __future__ import annotations

from typing import Any

from gpudoctor.codec import encode
from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.report.diff import DiffAnswer, Difference, DiffReport, diff_report

#: These differ between any two moments and mean nothing by themselves.
VOLATILE = ("memory_used", "temperature", "power", "processes", "host.shm", "seconds", "started")


def compare(before: Machine, after: Machine) -> DiffReport:
    """What differs between the facts, and between what the rules say of them."""
    old, new = judge(before), judge(after)
    was, now = {f.id for f in old.findings}, {f.id for f in new.findings}
    changes = differences(before, after)
    return diff_report(DiffAnswer(changes, tuple(sorted(now - was)), tuple(sorted(was - now))), new)


def differences(before: Machine, after: Machine) -> tuple[Difference, ...]:
    """What differs between the facts, but for what differs between any two moments."""
    changes: list[Difference] = []
    _walk("", encode(before), encode(after), changes)
    return tuple(changes)


def _walk(where: str, a: Any, b: Any, changes: list[Difference]) -> None:
    if a == b or where.endswith(VOLATILE):
        return
    a, b = _plain(a), _plain(b)
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            _walk(f"{where}.{key}" if where else str(key), a.get(key, ""), b.get(key, ""), changes)
    elif isinstance(a, list) and isinstance(b, list):
        _walk_lists(where, a, b, changes)
    elif a != b:
        changes.append(Difference(where, _short(a), _short(b)))


def _walk_lists(where: str, a: list[Any], b: list[Any], changes: list[Difference]) -> None:
    """Items are matched by what names them, so that one new package is one change and not a hundred."""
    left, right = _named(a), _named(b)
    for name in dict.fromkeys([*left, *right]):
        _walk(f"{where}[{name}]", left.get(name, ""), right.get(name, ""), changes)


def _named(items: list[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for number, item in enumerate(items):
        name = str(number) if isinstance(item, dict) else str(item)
        if isinstance(item, dict):
            for key in (
                "uuid",
                "path",
                "prefix",
                "address",
                "framework",
                "name",
                "selector",
                "value",
                "code",
            ):
                value = _plain(item.get(key))
                if isinstance(value, (str, int)) and value != "":
                    name = str(value)
                    break
        while name in named:
            name += "'"
        named[name] = item
    return named


def _plain(value: Any) -> Any:
    """An observation as its value; where it came from is no change of the machine."""
    if isinstance(value, dict):
        if set(value) == {"value", "via"}:
            return value["value"]
        if set(value) == {"absent"}:
            return "(not there)"
        if set(value) == {"unknown", "would_help"}:
            return "(not known)"
    return value


def _short(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(
            f"{k} {_short(_plain(v))}" for k, v in list(value.items())[:4] if _plain(v) not in ("", [], {})
        )
        return f"{{{inner}}}"
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."
