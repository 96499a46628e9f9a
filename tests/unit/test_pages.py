"""What every page keeps to beyond having its sections (test_catalogue.py): sources one can open, and a short title."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpudoctor.rules import page
from gpudoctor.rules.page import SECTIONS, page_of
from gpudoctor.rules.registry import Cause, causes

RULES = Path(page.__file__).parent

#: A URL; or a document that is named: a file, a package index's file list, this project's own documentation.
URL = re.compile(r"https://[\w.-]+\.\w+(?:/\S*)?(?: \(.+\))?")
NAMED = re.compile(
    r"(?:docs/[\w-]+\.md(?:, .+)?|[\w./-]+\.\w+ of \w+|files of [\w.-]+ .* on PyPI|METADATA of .+)"
)
#: Folders of the machine that a page was written on; no reader has them.
WORKPLACES = re.compile(r"(?<![\w/])/(?:work|root|tmp)/|/home/\w")

each_cause = pytest.mark.parametrize("cause", causes(), ids=lambda cause: cause.id)


def docstring(cause: Cause) -> str:
    return cause.load().__doc__ or ""


def bad_sources(sources: tuple[str, ...]) -> list[str]:
    return [line for line in sources if not URL.fullmatch(line) and not NAMED.fullmatch(line)]


@each_cause
def test_its_sources_are_urls_or_named_documents(cause: Cause) -> None:
    sources = page_of(cause).sources
    assert sources and not bad_sources(sources)
    assert len(set(sources)) == len(sources), "one source is named twice"


@each_cause
def test_its_title_is_one_short_line(cause: Cause) -> None:
    first, second = (*docstring(cause).splitlines(), "", "")[:2]
    assert first.strip() and len(first) <= 100
    assert not second.strip(), "the title runs on"


@each_cause
def test_no_two_sections_say_the_same(cause: Cause) -> None:
    found = page_of(cause)
    texts = [found.title, found.what, found.why, found.tell, found.fix]
    assert all(texts) and len(set(texts)) == len(texts)


@each_cause
def test_each_section_is_there_once(cause: Cause) -> None:
    for name in SECTIONS:
        assert len(re.findall(rf"^{name}:", docstring(cause), flags=re.M)) == 1, name


@pytest.mark.parametrize(
    "path", sorted(RULES.glob("*/*.py")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_it_names_no_folder_of_a_workplace(path: Path) -> None:
    head = path.read_text().partition("from __future__")[0]
    assert not WORKPLACES.search(head)


def test_a_source_from_memory_would_be_seen() -> None:
    assert bad_sources(("common knowledge", "http://example.org/", "see the forum")) == [
        "common knowledge",
        "http://example.org/",
        "see the forum",
    ]
    assert not bad_sources(("https://example.org/a_(b)", "docs/knowledge.md of gpudoctor"))
    assert WORKPLACES.search("see /work/notes.md") and not WORKPLACES.search("/var/lib/dkms/work/x")
