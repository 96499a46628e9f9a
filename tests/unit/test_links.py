"""What README and docs point to is there: files, folders, headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NAMED = re.compile(r"(?<![\w/.])(?:docs|scripts|dockerfiles|bazel_patches)/[\w./-]*\w")


def _anchors(page: Path) -> set[str]:
    """The headings as GitHub's anchors."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _dead(page: Path) -> list[str]:
    text = page.read_text()
    dead = [name for name in _NAMED.findall(text) if not (ROOT / name).exists()]
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = page.parent / target if target else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_it_points_to_is_there(page: Path) -> None:
    assert _dead(page) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading\n[a](#a-heading) [b](#none) [c](gone.md) [d](https://x.example/y) docs/gone.md\n"
    )
    assert _dead(page) == ["docs/gone.md", "#none", "gone.md"]


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text]
    assert missing == []
