"""A cause's page: the docstring of its file, taken apart. `gpudoctor explain` prints it, findings quote it."""

from __future__ import annotations

import re
from functools import lru_cache

from gpudoctor.facts.record import Record
from gpudoctor.rules.registry import Cause

SECTIONS = ("What it is", "Why it hurts", "How to tell", "How to fix", "Sources")


class Page(Record):
    """`title` is the docstring's first line; each section is one paragraph of running text; `sources` are URLs or
    names of documents."""

    title: str
    what: str
    why: str
    tell: str
    fix: str
    sources: tuple[str, ...]


def page_of(cause: Cause) -> Page:
    """Raises ValueError when the docstring lacks a section (a test keeps that from happening)."""
    return parse_page(cause.load().__doc__ or "", cause.id)


@lru_cache(maxsize=2048)
def parse_page(docstring: str, name: str) -> Page:
    title, _, rest = docstring.strip().partition("\n")
    parts = re.split(rf"^({'|'.join(SECTIONS)}):", rest, flags=re.M)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    missing = [section for section in SECTIONS if not found.get(section, "").strip()]
    if missing:
        raise ValueError(f"the page of {name} lacks: {', '.join(missing)}")
    what, why, tell, fix = (" ".join(found[section].split()) for section in SECTIONS[:4])
    sources = tuple(line.strip() for line in found["Sources"].strip().splitlines() if line.strip())
    return Page(title.strip().rstrip("."), what, why, tell, fix, sources)
