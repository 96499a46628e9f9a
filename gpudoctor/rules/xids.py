"""Xids without a cause of their own, judged by the class that NVIDIA's catalogue puts them in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, cast

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, Severity
from gpudoctor.rules.witnesses import NAMED_XIDS, by_device, codes_of, log, log_lines, reset_command, via_log

Class = Literal["hardware", "driver", "application"]

#: The catalogue's causes -> the rule that reports them. "information" is none.
CLASSES: Mapping[str, Class] = {
    "hardware": "hardware",
    "memory": "hardware",
    "link": "hardware",
    "power": "hardware",
    "driver": "driver",
    "system": "driver",
    "application": "application",
}

#: NVLink's Xids (144 to 150) carry the word themselves: "SAW_MVB Nonfatal XC0 ...", "NETIR_LINK_EVT Fatal XC0 ...".
_FATAL = re.compile(r"\b(non-?)?fatal\b", re.I)

_WORST = {"failure": 0, "warning": 1, "note": 2}


def others(host: Host, gpu: Gpu, which: Class) -> Iterator[Problem | CouldNotTell]:
    """One problem per device for its Xids of this class. A number that the table does not know is said once, by
    the rule for hardware: it cannot be judged, and must not count as passed."""
    from gpudoctor import knowledge

    lines = [e for e in log(host, gpu) if e.kind == "xid" and e.code is not None and e.code not in NAMED_XIDS]
    for subject, found in by_device(gpu, lines):
        mine: list[KernelEvent] = []
        evidence: list[Evidence] = []
        severities: list[str] = []
        actions: list[str] = []
        for event in found:
            row = knowledge.xid(event.code or 0)
            if row is None:
                if which == "hardware":
                    said = f"{subject.label}: Xid {event.code} is not in the table: {event.text}"
                    yield CouldNotTell(said, "", subject)
                continue
            if CLASSES.get(row.cause) != which:
                continue
            if event.code not in {e.code for e in mine}:
                evidence.append(Evidence(f"meaning of Xid {event.code}", row.meaning or row.name, row.source))
                actions.append(row.action)
            severities.append(_severity(event.text, row.severity))
            mine.append(event)
        if not mine:
            continue
        severity = cast("Severity", min(severities, key=lambda s: _WORST.get(s, 1)))
        reset = (reset_command(subject),) if any("reset" in a.lower() for a in actions) else ()
        yield Problem(
            f"{subject.label} logged {codes_of(mine)}",
            subject,
            severity,
            (*log_lines(mine, via_log(host)), *evidence),
            fix=Fix("; ".join(dict.fromkeys(filter(None, actions))) or "See the catalogue", reset),
        )


def _severity(text: str, severity: str) -> str:
    said = _FATAL.search(text)
    if said is None:
        return severity
    return "warning" if said[1] else "failure"
