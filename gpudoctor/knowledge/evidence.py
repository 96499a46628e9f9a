"""Which witnesses of a GPU at work each platform offers."""

from __future__ import annotations

from collections.abc import Iterable

from gpudoctor.facts.record import Record
from gpudoctor.knowledge.tables import table


class Offer(Record):
    """`offered`: "yes" (its silence means something), "no" (its answer means nothing), "asked" (not known: whatever it
    answers counts). `why` in words; `source` of the row, "" for "asked"."""

    offered: str
    why: str
    source: str


def offer(platforms: Iterable[str], channel: str) -> Offer:
    """`platforms`: all that hold of the machine ("linux", "container", "mig"). One "no" outweighs every "yes"."""
    data = table("evidence")
    names = set(platforms)
    rows = [r for r in data["rows"] if r["platform"] in names and r["channel"] == channel]
    rows.sort(key=lambda row: row["offered"] != "no")
    if not rows:
        return Offer("asked", "", "")
    return Offer(rows[0]["offered"], rows[0]["why"], data["sources"][rows[0]["source"]])
