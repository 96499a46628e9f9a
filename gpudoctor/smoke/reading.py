"""From the child's events and its end to phases."""

from __future__ import annotations

from collections.abc import Sequence

from gpudoctor.facts.smoke import Phase
from gpudoctor.smoke.child import Ended, Event
from gpudoctor.system.child import signal_name


def phases(ended: Ended, asked: Sequence[str]) -> tuple[Phase, ...]:
    """The import and every phase that was asked for, with how it ended. The phase in which the process ended is named, and
    so is one that was never begun."""
    begun = {str(e["phase"]): e for e in ended.events if e.get("event") == "begin"}
    ends = {str(e["phase"]): e for e in ended.events if e.get("event") == "end"}
    found = []
    for name in ("import", *asked):
        if name in ends:
            start = begun.get(name, ends[name])
            found.append(_said(name, ends[name], float(ends[name]["t"]) - float(start["t"])))
        elif name in begun or (name == "import" and not begun):
            started = float(begun[name]["t"]) if name in begun else ended.started
            found.append(_cut(name, ended, ended.ended - started))
        else:
            found.append(Phase(name, "not-reached"))
    if ended.at == "exit" and (ended.signal is not None or ended.state != "ended"):
        found.append(_cut("exit", ended, ended.ended - float(begun["exit"]["t"])))
    return tuple(found)


def _said(name: str, event: Event, seconds: float) -> Phase:
    state = event.get("state")
    return Phase(
        name,
        state if state in ("passed", "failed", "skipped") else "failed",
        round(seconds, 4),
        event.get("illness") or "",
        str(event.get("message", "")),
        {str(k): float(v) for k, v in event.get("values", {}).items()},
        tuple(float(x) for x in event.get("curve", ())),
    )


def _cut(name: str, ended: Ended, seconds: float) -> Phase:
    """The process ended in the midst of it."""
    if ended.state == "unkillable":
        return Phase(name, "hung", round(seconds, 4), "", f"{ended.over}, and it can't be ended")
    if ended.state == "hung":
        return Phase(name, "hung", round(seconds, 4), "", ended.over)
    if ended.signal is not None:
        how = f"killed by {signal_name(ended.signal)}"
        return Phase(name, "crashed", round(seconds, 4), "", how, signal=ended.signal)
    how = f"the process ended with status {ended.code}"
    return Phase(name, "crashed", round(seconds, 4), "", how)


def times(ended: Ended, found: Sequence[Phase]) -> tuple[float, float, float]:
    """Seconds: the import (with the interpreter's start), from there to the first result on the device, the phases."""
    ends = {str(e["phase"]): float(e["t"]) for e in ended.events if e.get("event") == "end"}
    imported = ends.get("import")
    if imported is None:
        return round(ended.ended - ended.started, 4), 0.0, 0.0
    first = next((float(e["t"]) for e in ended.events if e.get("event") == "first-result"), None)
    work = sum(p.seconds for p in found if p.name not in ("import", "exit"))
    return (
        round(imported - ended.started, 4),
        round(first - imported, 4) if first is not None else 0.0,
        round(work, 4),
    )


def version(events: Sequence[Event]) -> str:
    return str(next((e.get("version", "") for e in events if e.get("event") == "info"), ""))
